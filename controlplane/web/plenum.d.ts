// SPDX-License-Identifier: BSD-3-Clause

export type RoomType = "m2m" | "a2m" | "p2m" | "p2p";
export type Role = "publisher" | "viewer";
export type SignalingState = "idle" | "connecting" | "open" | "reconnecting" | "closed";
export type SessionState = "new" | "connecting" | "connected" | "interrupted" | "closed";

/** Codes and names are stable; code is 0 when the failure was found out on this side. */
export declare class PlenumError extends Error {
	readonly code: number;
	readonly name: string;
}

export interface Stream {
	streamId: string;
	/** Absent: not known. */
	tracks?: { kind: "audio" | "video"; codec?: string }[];
	/** Signaling URL of the server that holds the stream; absent: this one. */
	server?: string;
	paused?: boolean;
	interrupted?: boolean;
}

export interface Room {
	roomId: string;
	type: RoomType;
	ownerId: string | null;
	role: Role;
	/** Oldest first. */
	publishers: { userId: string; streams: Stream[] }[];
	viewerCount: number;
	maxPublishers?: number;
	/** Raised hands; told to the owner only. */
	requests?: { userId: string }[];
}

interface Reading {
	userId: string;
	streamId: string;
	state: SessionState;
	/** performance.now() of the reading, and seconds since the one before (0: the first). */
	at: number;
	seconds: number;
	width: number;
	height: number;
	fps: number;
	bytes: number;
	/** bit/s */
	bitrate: number;
	/** 0..1 */
	loss: number;
	rttMs: number | null;
	nackCount: number;
	pliCount: number;
}

export interface PublicationReading extends Reading {
	kind: "publication";
	framesEncoded: number;
	framesSent: number;
	keyFramesEncoded: number;
	packetsSent: number;
	firCount: number;
	qualityLimitation: string | null;
	targetBitrate: number | null;
}

export interface SubscriptionReading extends Reading {
	kind: "subscription";
	/** performance.now() of subscribe(), and milliseconds from there to: the connection, the first decoded and the first shown picture. */
	requestedAt: number;
	connectedMs: number | null;
	decodedMs: number | null;
	joinMs: number | null;
	framesReceived: number;
	framesDecoded: number;
	framesDropped: number;
	keyFramesDecoded: number;
	freezeCount: number;
	freezeSeconds: number;
	packetsReceived: number;
	packetsLost: number;
	videoPacketsReceived: number;
	videoPacketsLost: number;
	audioPacketsReceived: number;
	audioPacketsLost: number;
	jitterMs: number;
	audioSamples: number;
	concealedSamples: number;
	silentConcealedSamples: number;
	concealmentEvents: number;
	/** Fraction of the sound since the last reading that was made up. */
	concealment: number;
	audioLevel: number | null;
	audioEnergy: number;
}

/** Events: "state" {state, previous, reason?}, "stats" (a reading). */
declare class MediaSession<R> extends EventTarget {
	readonly streamId: string;
	readonly state: SessionState;
	readonly stream: MediaStream;
	readonly pc: RTCPeerConnection | null;
	readonly latest: R | null;
	readonly requestedAt: number;
	readonly connectedAt: number | null;
	getStats(): Promise<RTCStatsReport>;
	/** A reading now; rates are since the last "stats" event. */
	measure(): Promise<R | null>;
	restartIce(): Promise<void>;
	close(): Promise<void>;
}

export declare class Publication extends MediaSession<PublicationReading> {
	readonly userId: string;
	/** Of live broadcast rooms: where viewers fetch the playlist. */
	readonly playlist: string | null;
	replaceTrack(kind: "audio" | "video", track: MediaStreamTrack | null): Promise<void>;
}

/** Further event: "firstframe" {joinMs}. */
export declare class Subscription extends MediaSession<SubscriptionReading> {
	readonly publisherId: string;
	readonly subscriptionId: string | null;
	readonly firstDecodedAt: number | null;
	readonly firstFrameAt: number | null;
	attach(element: HTMLMediaElement): void;
}

/**
 * Events: "signaling" {state, previous, retryInMs?, error?}, "room" (Room or null),
 * "stats" (array of readings), "error" (PlenumError), and every server event by its own name.
 */
export declare class PlenumClient extends EventTarget {
	readonly userId: string | null;
	readonly connectionId: string | null;
	readonly iceServers: RTCIceServer[];
	readonly limits: Record<string, number>;
	readonly server: unknown;
	readonly room: Room | null;
	/** performance.now() of the last createRoom or joinRoom. */
	readonly joinRequestedAt: number | null;
	readonly signalingState: SignalingState;
	readonly publications: Publication[];
	readonly subscriptions: Subscription[];
	connect(url: string | URL, token: string | (() => string | Promise<string>)): Promise<unknown>;
	close(): Promise<void>;
	/** The creator is a publisher, and the owner. */
	createRoom(type: RoomType, roomId?: string): Promise<Room>;
	/**
	 * role: absent, viewer, but in p2p publisher. "publisher" needs a token that may publish; fails
	 * with room_full when the room has all its publishers. Who is in the room already keeps his role.
	 */
	joinRoom(roomId: string, role?: Role): Promise<Room>;
	leave(): Promise<void>;
	publish(
		stream: MediaStream,
		options?: { streamId?: string; maxBitrate?: number },
	): Promise<Publication>;
	subscribe(publisherId: string, streamId: string): Promise<Subscription>;
	streams(): (Stream & { publisherId: string })[];
	request(method: string, params?: object): Promise<any>;
	/** Readings now; rates are since the last "stats" event. */
	measure(): Promise<(PublicationReading | SubscriptionReading)[]>;
}

export declare function demoToken(user: string, room: string, base?: string): Promise<string>;
