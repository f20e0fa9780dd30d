// SPDX-License-Identifier: BSD-3-Clause
// Plenum's client library: rooms, publishing and watching over the signaling protocol. No
// dependencies; types are in plenum.d.ts. One client is one user in at most one room.
//
//	const client = new PlenumClient();
//	await client.connect("wss://relay.example/v1/signal", token);
//	await client.joinRoom("lobby");
//	for (const { publisherId, streamId } of client.streams())
//		(await client.subscribe(publisherId, streamId)).attach(video);

import { PlenumError, Signaling, backoffDelay, sleep } from "./signaling.js";
import { Publication, Subscription } from "./media.js";

export { PlenumError, Publication, Subscription };

const STATS_INTERVAL_MS = 1000;
const REJOIN_FOR_MS = 60_000; // a restarted server has the room again when its publisher is back
const CLIENT_NAME = "plenum-js/0.1.0";

// Asks a server in demo mode for a token. Rejects with "unauthorized" where there is no demo mode.
export async function demoToken(user, room, base = globalThis.location?.href) {
	let response;
	try {
		response = await fetch(new URL("/v1/demo/token", base), {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ user, room }),
		});
	} catch (error) {
		throw new PlenumError(0, "signaling_down", "The server cannot be reached.", { cause: error });
	}
	if (!response.ok) {
		if (response.status >= 500)
			throw new PlenumError(0, "signaling_down", "The server cannot answer right now.");
		if (response.status === 400)
			throw new PlenumError(-32602, "invalid_params", "A name has characters that are not allowed.");
		throw new PlenumError(4001, "unauthorized", "This server gives out no demo tokens.");
	}
	return (await response.json()).token;
}

// Events: "signaling" {state, previous, retryInMs?, error?}; "room" (the room after any change);
// "stats" (array of readings, once a second); "error" (PlenumError of background work); and every
// server event under its own name ("stream.published", "room.kicked", ...) with its parameters,
// sent after client.room was brought up to date.
export class PlenumClient extends EventTarget {
	#signaling = null;
	#link;
	#publications = new Map(); // streamId -> Publication
	#subscriptions = new Map(); // "publisherId/streamId" -> Subscription
	#createdType = null; // the room is ours to make again when the server forgot it
	#synced = Promise.resolve(true); // room state agreed with the server since the last hello
	#statsTimer = null;

	constructor() {
		super();
		this.userId = null;
		this.connectionId = null;
		this.iceServers = [];
		this.limits = {};
		this.server = null;
		this.room = null;
		this.joinRequestedAt = null; // performance.now() of the last createRoom or joinRoom
		this.#link = this.#makeLink();
	}

	get signalingState() {
		return this.#signaling?.state ?? "idle";
	}

	get publications() {
		return [...this.#publications.values()];
	}

	get subscriptions() {
		return [...this.#subscriptions.values()];
	}

	// token: a string, or a function that returns one (or a promise) for every new connection.
	async connect(url, token) {
		if (this.#signaling && this.#signaling.state !== "closed")
			throw new PlenumError(0, "already_connected", "This client is connected already.");
		const signaling = new Signaling(url, token, CLIENT_NAME);
		this.#signaling = signaling;
		signaling.addEventListener("state", ({ detail }) => this.#signalingChanged(detail));
		signaling.addEventListener("hello", ({ detail }) => this.#welcome(detail));
		signaling.addEventListener("notification", ({ detail }) => this.#notified(detail));
		return signaling.open();
	}

	// Leaves the room and ends everything, media too.
	async close() {
		await this.leave().catch(() => {});
		this.#signaling?.close();
	}

	async createRoom(type, roomId) {
		this.#mustBeOutside();
		this.joinRequestedAt = performance.now();
		const snapshot = await this.#request("room.create", roomId ? { type, roomId } : { type });
		this.#createdType = type;
		return this.#enter(snapshot);
	}

	// role: "publisher" or "viewer"; the error room_full says that there is no place for another
	// publisher.
	async joinRoom(roomId, role) {
		this.#mustBeOutside();
		this.joinRequestedAt = performance.now();
		this.#createdType = null;
		return this.#enter(await this.#request("room.join", { roomId, role }));
	}

	async leave() {
		const room = this.room;
		if (!room)
			return;
		const told = this.#request("room.leave", { roomId: room.roomId });
		this.#exit("left");
		await told;
	}

	// Sends the tracks of a MediaStream. streamId: one of your own, or the server chooses;
	// maxBitrate: of video, bit/s.
	async publish(mediaStream, options = {}) {
		this.#mustBeInside();
		const { room } = this;
		const publication = new Publication(this.#link, mediaStream, options);
		await publication.negotiate();
		if (this.room?.roomId !== room.roomId) {
			publication.end("left");
			throw new PlenumError(0, "closed", "The room was left meanwhile.");
		}
		this.#publications.set(publication.streamId, publication);
		this.#runStats();
		return publication;
	}

	async subscribe(publisherId, streamId) {
		this.#mustBeInside();
		const key = `${publisherId}/${streamId}`;
		if (this.#subscriptions.has(key))
			throw new PlenumError(0, "already_subscribed", "This stream is being watched already.");
		const tracks = this.#findStream(publisherId, streamId)?.tracks
			?? [{ kind: "audio" }, { kind: "video" }];
		const subscription = new Subscription(this.#link, publisherId, streamId, tracks);
		this.#subscriptions.set(key, subscription);
		try {
			await subscription.negotiate();
		} catch (error) {
			subscription.end(error.name);
			throw error;
		}
		this.#runStats();
		return subscription;
	}

	// All streams of the room: {publisherId, streamId, tracks, server}, oldest publisher first.
	streams() {
		return (this.room?.publishers ?? []).flatMap(({ userId, streams }) =>
			streams.map((stream) => ({ publisherId: userId, ...stream })));
	}

	// Any other request of the protocol, such as "room.kick" or "publish.request".
	request(method, params) {
		return this.#request(method, params);
	}

	// Readings of all streams now, sent and watched; rates are since the last "stats" event.
	measure() {
		return this.#collect((session) => session.measure());
	}

	async #collect(take) {
		const sessions = [...this.#publications.values(), ...this.#subscriptions.values()];
		const readings = await Promise.all(sessions.map((each) => take(each).catch(() => null)));
		return readings.filter((each) => each);
	}

	#request(method, params) {
		if (!this.#signaling)
			return Promise.reject(new PlenumError(0, "not_connected", "Connect first."));
		return this.#signaling.request(method, params);
	}

	#mustBeOutside() {
		if (this.room)
			throw new PlenumError(0, "already_in_room", "Leave the room first.");
	}

	#mustBeInside() {
		if (!this.room)
			throw new PlenumError(0, "not_in_room", "Join a room first.");
	}

	// What media sessions may know of the client.
	#makeLink() {
		const client = this;
		return {
			get iceServers() {
				return client.iceServers;
			},
			get roomId() {
				return client.room?.roomId;
			},
			get userId() {
				return client.userId;
			},
			request: (method, params) => client.#request(method, params),
			hasStream: (publisherId, streamId) =>
				client.#findStream(publisherId, streamId) !== undefined,
			whenOpen: () => client.#whenSynced(),
			forget: (session) => client.#forget(session),
		};
	}

	async #whenSynced() {
		for (;;) {
			if (!(await this.#signaling?.whenOpen()) || !this.room)
				return false;
			await this.#synced;
			if (this.#signaling?.state === "open" && this.room)
				return true;
		}
	}

	#forget(session) {
		for (const sessions of [this.#publications, this.#subscriptions]) {
			for (const [key, value] of sessions) {
				if (value === session)
					sessions.delete(key);
			}
		}
		if (this.#publications.size + this.#subscriptions.size === 0) {
			clearInterval(this.#statsTimer);
			this.#statsTimer = null;
		}
	}

	#runStats() {
		this.#statsTimer ??= setInterval(async () => {
			const readings = await this.#collect((session) => session.sample());
			if (readings.length)
				this.#emit("stats", readings);
		}, STATS_INTERVAL_MS);
	}

	#emit(type, detail) {
		this.dispatchEvent(new CustomEvent(type, { detail }));
	}

	// --- the room ---

	#enter(snapshot) {
		this.room = { ...snapshot, publishers: snapshot.publishers ?? [] };
		this.#emit("room", this.room);
		return this.room;
	}

	#exit(reason) {
		this.room = null;
		this.#createdType = null;
		for (const session of [...this.#publications.values(), ...this.#subscriptions.values()])
			session.end(reason);
		this.#emit("room", null);
	}

	#findStream(publisherId, streamId) {
		return this.room?.publishers.find((each) => each.userId === publisherId)
			?.streams.find((each) => each.streamId === streamId);
	}

	#publisher(userId) {
		let publisher = this.room.publishers.find((each) => each.userId === userId);
		if (!publisher) {
			publisher = { userId, streams: [] };
			this.room.publishers.push(publisher);
		}
		return publisher;
	}

	#dropStream(publisherId, streamId, reason) {
		const publisher = this.room.publishers.find((each) => each.userId === publisherId);
		if (publisher)
			publisher.streams = publisher.streams.filter((each) => each.streamId !== streamId);
		this.#subscriptions.get(`${publisherId}/${streamId}`)?.end(reason);
	}

	#notified({ method, params }) {
		if (this.room && (params.roomId === undefined || params.roomId === this.room.roomId)) {
			const apply = PlenumClient.#handlers[method];
			if (apply) {
				apply(this, params);
				if (this.room)
					this.#emit("room", this.room);
			}
		}
		this.#emit(method, params);
	}

	static #handlers = {
		"room.publisher_joined"(client, { userId }) {
			client.#publisher(userId);
		},
		"room.publisher_left"(client, { userId, reason }) {
			const left = client.room.publishers.find((each) => each.userId === userId);
			for (const { streamId } of left?.streams ?? [])
				client.#dropStream(userId, streamId, reason ?? "publisher_left");
			client.room.publishers = client.room.publishers.filter((each) => each !== left);
		},
		"room.owner_changed"(client, { ownerId }) {
			client.room.ownerId = ownerId;
		},
		"room.viewer_count"(client, { count }) {
			client.room.viewerCount = count;
		},
		"room.closed"(client, { reason }) {
			client.#exit(reason ?? "room_closed");
		},
		"room.kicked"(client) {
			client.#exit("kicked");
		},
		"publish.granted"(client) {
			client.room.role = "publisher";
		},
		"stream.published"(client, { roomId, publisherId, ...stream }) {
			const { streamId } = stream;
			const publisher = client.#publisher(publisherId);
			publisher.streams = publisher.streams.filter((each) => each.streamId !== streamId);
			publisher.streams.push(stream);
			// A stream of the same name took the place of the one that is watched.
			client.#subscriptions.get(`${publisherId}/${streamId}`)?.repair({ renew: true });
		},
		"stream.updated"(client, { roomId, publisherId, streamId, ...changes }) {
			Object.assign(client.#findStream(publisherId, streamId) ?? {}, changes);
		},
		"stream.interrupted"(client, { publisherId, streamId }) {
			Object.assign(client.#findStream(publisherId, streamId) ?? {}, { interrupted: true });
		},
		"stream.unpublished"(client, { publisherId, streamId, reason }) {
			client.#dropStream(publisherId, streamId, reason ?? "unpublished");
			// Our own, and not by us: it failed there while it is wanted here.
			if (publisherId === client.userId)
				client.#publications.get(streamId)?.repair({ renew: true });
		},
		"subscription.closed"(client, { subscriptionId, reason }) {
			const ended = client.subscriptions.find((each) => each.subscriptionId === subscriptionId);
			if (!ended)
				return;
			if (client.#findStream(ended.publisherId, ended.streamId))
				ended.repair({ renew: true });
			else
				ended.end(reason);
		},
	};

	// --- reconnecting ---

	#signalingChanged(detail) {
		this.#emit("signaling", detail);
		if (detail.state === "closed" && this.room)
			this.#exit(detail.error?.name ?? "closed");
	}

	#welcome({ result, resumed, first }) {
		this.userId = result.userId;
		this.connectionId = result.connectionId;
		this.iceServers = result.iceServers ?? [];
		this.limits = result.limits ?? {};
		this.server = result.server ?? null;
		if (first || !this.room)
			return;
		// Requests work only after the state is "open", which follows this event.
		this.#synced = Promise.resolve().then(() => this.#resync(result, resumed)).catch((error) => {
			if (this.#signaling?.state !== "open")
				return; // lost again: the next hello starts over
			this.#emit("error", error);
			this.#exit(error.name);
		});
	}

	// Asks for the room as it is now and mends what differs. What still runs is left running.
	async #resync({ rooms = [] }, resumed) {
		const kept = resumed && rooms.find((each) => each.roomId === this.room.roomId);
		const snapshot = kept || await this.#rejoin();
		if (!this.room)
			return;
		this.#enter(snapshot);
		const own = this.room.publishers.find((each) => each.userId === this.userId);
		for (const publication of this.#publications.values()) {
			// A stream is told of when its media connection stands, not before.
			const early = resumed && publication.state === "connecting";
			if (!early && !own?.streams.some((each) => each.streamId === publication.streamId))
				publication.repair({ renew: true });
		}
		for (const subscription of this.#subscriptions.values()) {
			const there = this.#findStream(subscription.publisherId, subscription.streamId);
			if (!resumed && there)
				subscription.repair({ renew: true });
			else if (resumed && !there)
				subscription.end("unpublished");
			// A server that forgot us may not have its publishers back yet: pictures go on.
		}
	}

	async #rejoin() {
		const { roomId, role } = this.room;
		const until = performance.now() + REJOIN_FOR_MS;
		for (let attempt = 0; ; attempt++) {
			try {
				return await this.#request("room.join", { roomId, role });
			} catch (error) {
				if (error.name !== "unknown_room" || performance.now() > until)
					throw error;
			}
			if (this.#createdType) {
				try {
					return await this.#request("room.create", { type: this.#createdType, roomId });
				} catch (error) {
					if (error.name !== "room_exists")
						throw error;
				}
			}
			await sleep(backoffDelay(attempt, 500, 4000));
		}
	}
}
