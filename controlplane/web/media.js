// SPDX-License-Identifier: BSD-3-Clause
// One RTCPeerConnection for each stream sent or watched. The client always offers. A session
// outlives the signaling connection: pictures go on without it, and repairs wait for it.

import { PlenumError, backoffDelay, sleep } from "./signaling.js";
import { readPublication, readSubscription } from "./stats.js";

const DISCONNECTED_GRACE_MS = 700; // a blip heals by itself; consent needs longer to expire
const REPAIR_TIMEOUT_MS = 6000;
const RESTARTS_BEFORE_RENEWAL = 2;
const FIRST_FRAME_POLL_MS = 40;
const FIRST_FRAME_WAIT_MS = 30_000;

// The server does not know the session any more (it was restarted): a new one must be made.
const FORGOTTEN = new Set(["unknown_subscription", "unknown_stream", "not_in_room", "not_publisher"]);

// No attempt after these can end otherwise.
const HOPELESS = new Set(["kicked", "forbidden", "bad_sdp", "unsupported_codec", "invalid_params"]);

// Events: "state" {state, previous, reason?}, "stats" (a reading, see stats.js).
// States: new, connecting, connected, interrupted, closed.
class MediaSession extends EventTarget {
	#generation = 0; // of the RTCPeerConnection in use; late events of older ones are ignored
	#retired = null; // kept running until its successor is connected
	#repairing = false;
	#graceTimer = null;
	#before = null;

	constructor(link, streamId) {
		super();
		this.link = link; // what the client offers to its sessions, see plenum.js
		this.streamId = streamId;
		this.state = "new";
		this.pc = null;
		this.requestedAt = performance.now();
		this.connectedAt = null;
		this.latest = null; // the last statistics reading
	}

	get closed() {
		return this.state === "closed";
	}

	// Makes the connection, or makes it anew while the old one goes on running.
	async negotiate() {
		const pc = new RTCPeerConnection({
			iceServers: this.link.iceServers,
			bundlePolicy: "max-bundle",
		});
		const generation = ++this.#generation;
		let answered = false;
		const early = []; // candidates gathered before the server gave the session its name
		pc.onicecandidate = ({ candidate }) => {
			// The relay speaks UDP only.
			if (!candidate?.candidate || candidate.protocol === "tcp")
				return;
			if (answered)
				this.#trickle(candidate.candidate);
			else
				early.push(candidate.candidate);
		};
		try {
			this.prepare(pc);
			await pc.setLocalDescription(await pc.createOffer());
			const { sdp } = await this.offer(pc.localDescription.sdp);
			if (this.closed || generation !== this.#generation)
				throw new PlenumError(0, "closed", "The stream was closed meanwhile.");
			await pc.setRemoteDescription({ type: "answer", sdp });
		} catch (error) {
			pc.close();
			throw error;
		}
		answered = true;
		early.forEach((candidate) => this.#trickle(candidate));
		// While something is retired, the connection after it never stood: keep the older one.
		if (this.#retired)
			this.pc.close();
		else
			this.#retired = this.pc;
		this.pc = pc;
		this.adopt(pc, this.#retired === null);
		if (!this.#retired)
			this.setState("connecting");
		pc.onconnectionstatechange = () => this.#connectionChanged(pc);
		this.#connectionChanged(pc);
	}

	// New ICE credentials and candidates for the same connection, as after a change of network.
	async restartIce() {
		const pc = this.pc;
		if (!pc || this.closed)
			throw new PlenumError(0, "closed", "The stream is closed.");
		if (pc.signalingState === "have-local-offer")
			await pc.setLocalDescription({ type: "rollback" });
		await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
		const { sdp } = await this.link.request("ice.restart", {
			...this.address(), sdp: pc.localDescription.sdp,
		});
		if (pc.signalingState === "have-local-offer")
			await pc.setRemoteDescription({ type: "answer", sdp });
	}

	getStats() {
		return this.pc ? this.pc.getStats() : Promise.resolve(new Map());
	}

	// A reading compared with the one sample() took last.
	async measure() {
		if (!this.pc || this.closed)
			return null;
		return { ...this.describe(), ...this.read(await this.pc.getStats(), this.#before) };
	}

	// The same, kept for the next comparison. Called once a second by the client.
	async sample() {
		const reading = await this.measure();
		if (reading) {
			this.#before = this.latest = reading;
			this.dispatchEvent(new CustomEvent("stats", { detail: reading }));
		}
		return reading;
	}

	setState(state, reason) {
		if (this.state === state || this.closed)
			return;
		const previous = this.state;
		this.state = state;
		this.dispatchEvent(new CustomEvent("state", { detail: { state, previous, reason } }));
	}

	// Ends this side only; the server is told by close() of the subclasses.
	end(reason) {
		if (this.closed)
			return;
		clearTimeout(this.#graceTimer);
		this.#retired?.close();
		this.pc?.close();
		this.setState("closed", reason);
		this.link.forget(this);
	}

	// The server lost or ended the session (restart, timeout); the stream may still be wanted.
	async repair({ renew = false } = {}) {
		if (this.#repairing || this.closed)
			return;
		this.#repairing = true;
		try {
			for (let attempt = 0; !this.closed; attempt++) {
				if (!(await this.link.whenOpen()) || this.closed)
					return;
				if (!renew && this.pc?.connectionState === "connected")
					return;
				renew ||= attempt >= RESTARTS_BEFORE_RENEWAL || this.#dtlsIsOver();
				try {
					if (renew)
						await this.negotiate();
					else
						await this.restartIce();
					renew = false;
				} catch (error) {
					if (this.closed)
						return;
					if (!this.wanted(error)) {
						this.end(error.name);
						return;
					}
					const forgotten = !renew && FORGOTTEN.has(error.name);
					renew ||= forgotten || !(error instanceof PlenumError);
					// Nothing is under way that could connect.
					if (!forgotten)
						await sleep(backoffDelay(attempt, 1000, 4000));
					continue;
				}
				if (await this.#connectedWithin(REPAIR_TIMEOUT_MS))
					return;
				await sleep(backoffDelay(attempt, 1000));
			}
		} finally {
			this.#repairing = false;
		}
	}

	#trickle(candidate) {
		// The path is usually found without them, so a failure is not worth a word.
		this.link.request("ice.candidate", { ...this.address(), candidate }).catch(() => {});
	}

	#dtlsIsOver() {
		const transport = this.pc?.getTransceivers()
			.map((each) => each.sender.transport ?? each.receiver.transport)
			.find((each) => each);
		return transport?.state === "closed" || transport?.state === "failed";
	}

	#connectionChanged(pc) {
		if (pc !== this.pc || this.closed)
			return;
		clearTimeout(this.#graceTimer);
		switch (pc.connectionState) {
		case "connected":
			this.connectedAt ??= performance.now();
			if (this.#retired) {
				this.#retired.close();
				this.#retired = null;
				this.adopt(pc, true);
				this.replaced();
			}
			this.setState("connected");
			break;
		case "disconnected":
			this.setState("interrupted");
			this.#graceTimer = setTimeout(() => {
				if (pc === this.pc && pc.connectionState === "disconnected")
					this.repair();
			}, DISCONNECTED_GRACE_MS);
			break;
		case "failed":
		case "closed":
			this.setState("interrupted");
			this.repair();
			break;
		}
	}

	#connectedWithin(ms) {
		const pc = this.pc;
		if (pc?.connectionState === "connected")
			return true;
		return new Promise((resolve) => {
			const done = (value) => {
				clearTimeout(timer);
				pc?.removeEventListener("connectionstatechange", changed);
				resolve(value);
			};
			const changed = () => {
				if (pc.connectionState === "connected")
					done(true);
				else if (pc.connectionState === "failed")
					done(false);
			};
			const timer = setTimeout(() => done(this.closed), ms);
			pc?.addEventListener("connectionstatechange", changed);
		});
	}
}

// A stream that this client sends.
export class Publication extends MediaSession {
	constructor(link, mediaStream, { streamId, maxBitrate } = {}) {
		super(link, streamId);
		this.stream = mediaStream;
		this.maxBitrate = maxBitrate;
		this.userId = link.userId;
	}

	// Sends another camera, screen or microphone without renegotiating; null sends nothing.
	async replaceTrack(kind, track) {
		const transceiver = this.pc?.getTransceivers()
			.find((each) => (each.sender.track?.kind ?? each.receiver.track.kind) === kind);
		if (!transceiver)
			throw new PlenumError(0, "media_failed", `This stream has no ${kind}.`);
		await transceiver.sender.replaceTrack(track);
		this.stream.getTracks().filter((each) => each.kind === kind)
			.forEach((each) => this.stream.removeTrack(each));
		if (track)
			this.stream.addTrack(track);
	}

	async close() {
		if (this.closed)
			return;
		const told = this.link.request("stream.unpublish", this.address());
		this.end("unpublished");
		await told.catch(() => {});
	}

	prepare(pc) {
		for (const track of this.stream.getTracks()) {
			const encoding = {};
			if (track.kind === "video" && this.maxBitrate)
				encoding.maxBitrate = this.maxBitrate;
			pc.addTransceiver(track, {
				direction: "sendonly",
				streams: [this.stream],
				sendEncodings: [encoding],
			});
		}
	}

	adopt() {}

	replaced() {}

	async offer(sdp) {
		const params = { roomId: this.link.roomId, sdp };
		if (this.streamId)
			params.streamId = this.streamId;
		let result;
		try {
			result = await this.link.request("stream.publish", params);
		} catch (error) {
			// A renewal finds the stream that it replaces.
			if (error.name !== "stream_exists" || !this.pc)
				throw error;
			await this.link.request("stream.unpublish", this.address());
			result = await this.link.request("stream.publish", params);
		}
		this.streamId = result.streamId;
		this.playlist = result.playlist ?? null;
		return result;
	}

	address() {
		return { roomId: this.link.roomId, streamId: this.streamId };
	}

	wanted(error) {
		return !HOPELESS.has(error.name);
	}

	describe() {
		return { kind: "publication", userId: this.userId, streamId: this.streamId, state: this.state };
	}

	read(report, before) {
		return readPublication(report, before);
	}
}

// A stream of somebody else that this client watches.
export class Subscription extends MediaSession {
	#firstFramePoll = null;
	#replacedIds = [];

	constructor(link, publisherId, streamId, tracks) {
		super(link, streamId);
		this.publisherId = publisherId;
		this.kinds = ["audio", "video"].filter((kind) => tracks.some((track) => track.kind === kind));
		this.subscriptionId = null;
		this.stream = new MediaStream();
		this.firstDecodedAt = null; // by the decoder's count, whether shown or not
		this.firstFrameAt = null; // by the video element given to attach()
	}

	// Shows the stream in a media element and notes when the first picture is on the screen.
	attach(element) {
		element.srcObject = this.stream;
		if (!element.requestVideoFrameCallback || this.firstFrameAt !== null)
			return;
		element.requestVideoFrameCallback((now, { presentationTime }) => {
			if (element.srcObject !== this.stream || this.firstFrameAt !== null)
				return;
			this.firstFrameAt = presentationTime ?? now;
			this.dispatchEvent(new CustomEvent("firstframe", {
				detail: { joinMs: this.firstFrameAt - this.requestedAt },
			}));
		});
	}

	async close() {
		if (this.closed)
			return;
		const { subscriptionId } = this;
		this.end("unsubscribed");
		if (subscriptionId !== null)
			await this.link.request("stream.unsubscribe", { subscriptionId }).catch(() => {});
	}

	end(reason) {
		clearInterval(this.#firstFramePoll);
		super.end(reason);
	}

	prepare(pc) {
		for (const kind of this.kinds)
			pc.addTransceiver(kind, { direction: "recvonly" });
	}

	// The receivers' tracks exist before the first packet, so the element can wait on them.
	adopt(pc, show) {
		if (!show)
			return;
		this.stream.getTracks().forEach((track) => this.stream.removeTrack(track));
		for (const transceiver of pc.getTransceivers()) {
			if (transceiver.currentDirection !== "inactive" && !transceiver.stopped)
				this.stream.addTrack(transceiver.receiver.track);
		}
		if (this.firstDecodedAt === null && this.kinds.includes("video"))
			this.#watchForFirstFrame();
	}

	async offer(sdp) {
		const result = await this.link.request("stream.subscribe", {
			roomId: this.link.roomId,
			publisherId: this.publisherId,
			streamId: this.streamId,
			sdp,
		});
		const old = this.subscriptionId;
		this.subscriptionId = result.subscriptionId;
		if (this.closed)
			this.link.request("stream.unsubscribe", this.address()).catch(() => {});
		else if (old !== null && old !== this.subscriptionId)
			this.#replacedIds.push(old);
		return result;
	}

	// The server may still hold the subscriptions that the connected one replaces.
	replaced() {
		for (const subscriptionId of this.#replacedIds.splice(0))
			this.link.request("stream.unsubscribe", { subscriptionId }).catch(() => {});
	}

	address() {
		return { subscriptionId: this.subscriptionId };
	}

	// Without its stream in the room there is nothing to come back to.
	wanted(error) {
		return !HOPELESS.has(error.name)
			&& this.link.hasStream(this.publisherId, this.streamId);
	}

	describe() {
		return {
			kind: "subscription",
			userId: this.publisherId,
			streamId: this.streamId,
			state: this.state,
			requestedAt: this.requestedAt,
			joinMs: this.firstFrameAt === null ? null : this.firstFrameAt - this.requestedAt,
			decodedMs: this.firstDecodedAt === null ? null : this.firstDecodedAt - this.requestedAt,
			connectedMs: this.connectedAt === null ? null : this.connectedAt - this.requestedAt,
		};
	}

	read(report, before) {
		return readSubscription(report, before);
	}

	#watchForFirstFrame() {
		clearInterval(this.#firstFramePoll);
		const since = performance.now();
		let asking = false;
		this.#firstFramePoll = setInterval(async () => {
			if (performance.now() - since > FIRST_FRAME_WAIT_MS || this.closed) {
				clearInterval(this.#firstFramePoll);
				return;
			}
			if (asking)
				return;
			asking = true;
			const report = await this.pc.getStats();
			asking = false;
			report.forEach((entry) => {
				if (entry.type === "inbound-rtp" && entry.framesDecoded > 0) {
					clearInterval(this.#firstFramePoll);
					this.firstDecodedAt ??= performance.now();
				}
			});
		}, FIRST_FRAME_POLL_MS);
	}
}
