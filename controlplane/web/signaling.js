// SPDX-License-Identifier: BSD-3-Clause
// The signaling connection: JSON-RPC 2.0 over one WebSocket, kept alive by reconnecting. It knows
// requests, notifications and resume tokens; it knows no rooms and no media, so that losing it
// can never stop a picture.

const SUBPROTOCOL = "plenum.v1";
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 15_000;

// Close codes after which trying again cannot help (controlplane/http/signaling.h).
const CLOSE_UNAUTHORIZED = 4001;
const CLOSE_FLOOD = 4002;
const CLOSE_REPLACED = 4003;

// Answers to hello that may be different the next time.
const RETRY_HELLO = new Set(["busy", "internal_error", "rate_limited", "signaling_down", "timeout"]);

// Every failure the library reports. code and name are stable: the server's (errors.h), or code 0
// and one of "signaling_down", "timeout", "closed", "not_connected", "not_in_room", "media_failed"
// when it was found out here. message is a sentence for people.
export class PlenumError extends Error {
	constructor(code, name, message, options) {
		super(message, options);
		this.code = code;
		this.name = name;
	}

	static fromRpc(error) {
		const name = error.data?.name ?? "internal_error";
		return new PlenumError(error.code ?? -32603, name, error.message ?? name);
	}
}

// Full jitter: anything between nothing and the doubled limit. Ten thousand clients that lost the
// same server come back spread evenly, not in waves.
export function backoffDelay(attempt, baseMs = BACKOFF_BASE_MS, capMs = BACKOFF_CAP_MS) {
	return Math.random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 16));
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Events: "state" {state, previous, retryInMs?, error?}, "hello" {result, resumed, first},
// "notification" {method, params}. States: idle, connecting, open, reconnecting, closed.
export class Signaling extends EventTarget {
	#url;
	#token;
	#socket = null;
	#nextId = 1;
	#pending = new Map(); // id -> {resolve, reject, timer}
	#resumeToken = null;
	#attempt = 0;
	#retryTimer = null;
	#stableTimer = null;
	#serverDelayMs = null; // what server.reconnect asked for
	#hadHello = false;
	#client;

	constructor(url, token, client) {
		super();
		this.#url = String(url);
		this.#token = token;
		this.#client = client;
		this.state = "idle";
		if (globalThis.addEventListener)
			globalThis.addEventListener("online", this.#wentOnline);
	}

	// Opens the first connection. Rejects if it does not come about; only a connection that once
	// stood is reconnected.
	async open() {
		this.#setState("connecting");
		try {
			return await this.#establish();
		} catch (error) {
			this.#finish(error);
			throw error;
		}
	}

	close() {
		this.#finish(new PlenumError(0, "closed", "The connection was closed."));
	}

	async request(method, params = {}) {
		if (this.state !== "open")
			throw new PlenumError(0, "signaling_down", "The server cannot be reached right now.");
		const socket = this.#socket;
		try {
			return await this.#send(method, params);
		} catch (error) {
			if (error.name !== "unauthorized" || typeof this.#token !== "function")
				throw error;
			// The token ran out in a long session: a resumed connection brings a fresh one.
			this.#lost(socket, { code: 0, reason: "token" });
			if (!(await this.whenOpen()))
				throw error;
			return this.#send(method, params);
		}
	}

	// Resolves true once signaling is (again) open, false if it is closed for good.
	whenOpen() {
		if (this.state === "open" || this.state === "closed")
			return Promise.resolve(this.state === "open");
		return new Promise((resolve) => {
			const onState = () => {
				if (this.state !== "open" && this.state !== "closed")
					return;
				this.removeEventListener("state", onState);
				resolve(this.state === "open");
			};
			this.addEventListener("state", onState);
		});
	}

	#wentOnline = () => {
		if (this.state === "reconnecting" && this.#retryTimer) {
			clearTimeout(this.#retryTimer);
			this.#retry();
		}
	};

	#setState(state, detail = {}) {
		const previous = this.state;
		this.state = state;
		this.dispatchEvent(new CustomEvent("state", { detail: { state, previous, ...detail } }));
	}

	async #establish() {
		const token = typeof this.#token === "function" ? await this.#token() : this.#token;
		if (this.state === "closed")
			throw new PlenumError(0, "closed", "The connection was closed.");
		const socket = new WebSocket(this.#url, SUBPROTOCOL);
		this.#socket = socket;
		socket.onmessage = ({ data }) => this.#received(socket, data);
		await new Promise((resolve, reject) => {
			const fail = (text) => reject(new PlenumError(0, "signaling_down", text));
			const timer = setTimeout(() => {
				this.#discard(socket);
				fail("The server did not answer in time.");
			}, CONNECT_TIMEOUT_MS);
			socket.onopen = () => {
				clearTimeout(timer);
				resolve();
			};
			socket.onclose = () => {
				clearTimeout(timer);
				fail("The server cannot be reached.");
			};
		});
		socket.onclose = (event) => this.#lost(socket, event);
		const params = { token };
		if (this.#resumeToken)
			params.resumeToken = this.#resumeToken;
		if (this.#client)
			params.client = this.#client;
		let result;
		try {
			result = await this.#send("hello", params);
		} catch (error) {
			this.#discard(socket);
			throw error;
		}
		const resumed = result.resumed === true;
		const first = !this.#hadHello;
		this.#hadHello = true;
		this.#resumeToken = result.resumeToken ?? null;
		// A server that dies right after hello must not be hammered: the count of attempts is
		// forgotten only when the connection has held for a while.
		this.#stableTimer = setTimeout(() => (this.#attempt = 0), 5000);
		this.dispatchEvent(new CustomEvent("hello", { detail: { result, resumed, first } }));
		this.#setState("open", { resumed });
		return result;
	}

	#send(method, params) {
		const id = this.#nextId++;
		const socket = this.#socket;
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.#pending.delete(id);
				reject(new PlenumError(0, "timeout", `The server did not answer ${method}.`));
				// A server that does not answer is a lost server: browsers give no other sign.
				this.#lost(socket, { code: 0, reason: "timeout" });
			}, REQUEST_TIMEOUT_MS);
			this.#pending.set(id, { resolve, reject, timer });
			socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
		});
	}

	#received(socket, data) {
		if (socket !== this.#socket)
			return;
		let message;
		try {
			message = JSON.parse(data);
		} catch {
			return; // a server that speaks no JSON is not worth a crash
		}
		if (message.method !== undefined) {
			if (message.method === "server.reconnect")
				this.#serverReconnect(message.params ?? {});
			this.dispatchEvent(new CustomEvent("notification", {
				detail: { method: message.method, params: message.params ?? {} },
			}));
			return;
		}
		const waiting = this.#pending.get(message.id);
		if (!waiting)
			return;
		this.#pending.delete(message.id);
		clearTimeout(waiting.timer);
		if (message.error)
			waiting.reject(PlenumError.fromRpc(message.error));
		else
			waiting.resolve(message.result ?? {});
	}

	#serverReconnect(params) {
		this.#serverDelayMs = (Number(params.delayMs) || 0) + backoffDelay(0);
		if (params.url)
			this.#url = new URL(params.url, this.#url).href;
		this.#lost(this.#socket, { code: 1001, reason: "server.reconnect" });
	}

	// Drops a socket without letting its late events touch the next one.
	#discard(socket) {
		if (!socket)
			return;
		socket.onopen = socket.onmessage = socket.onclose = null;
		try {
			socket.close();
		} catch {
			// still connecting in an old browser: nothing to close
		}
		if (socket === this.#socket)
			this.#socket = null;
	}

	#lost(socket, event) {
		if (socket !== this.#socket || this.state === "closed")
			return;
		clearTimeout(this.#stableTimer);
		this.#discard(socket);
		this.#failPending(new PlenumError(0, "signaling_down", "The connection was lost."));
		if (this.state !== "open")
			return; // #establish reports it
		if (event.code === CLOSE_REPLACED) {
			this.#finish(new PlenumError(event.code, "replaced",
				"This session was continued in another place."));
			return;
		}
		if (event.code === CLOSE_UNAUTHORIZED && typeof this.#token !== "function") {
			this.#finish(new PlenumError(event.code, "unauthorized", "The token is not valid any more."));
			return;
		}
		if (event.code === CLOSE_FLOOD)
			this.#attempt = Math.max(this.#attempt, 4);
		this.#scheduleRetry();
	}

	#scheduleRetry() {
		let delay = backoffDelay(this.#attempt++);
		if (this.#serverDelayMs !== null) {
			delay = this.#serverDelayMs;
			this.#serverDelayMs = null;
		}
		this.#setState("reconnecting", { retryInMs: delay, attempt: this.#attempt });
		this.#retryTimer = setTimeout(() => this.#retry(), delay);
	}

	async #retry() {
		this.#retryTimer = null;
		try {
			await this.#establish();
		} catch (error) {
			if (this.state === "closed")
				return;
			// A token source that failed counts as an unreachable server too.
			if (error instanceof PlenumError && !RETRY_HELLO.has(error.name))
				this.#finish(error);
			else
				this.#scheduleRetry();
		}
	}

	#failPending(error) {
		for (const waiting of this.#pending.values()) {
			clearTimeout(waiting.timer);
			waiting.reject(error);
		}
		this.#pending.clear();
	}

	#finish(error) {
		if (this.state === "closed")
			return;
		clearTimeout(this.#retryTimer);
		clearTimeout(this.#stableTimer);
		if (globalThis.removeEventListener)
			globalThis.removeEventListener("online", this.#wentOnline);
		this.#discard(this.#socket);
		this.#failPending(error);
		this.#setState("closed", { error });
	}
}
