// SPDX-License-Identifier: BSD-3-Clause
// One stream on the page: picture, sound button, name and live numbers.

const SPARK_SAMPLES = 60;

const STATE_WORDS = {
	new: "Connecting…",
	connecting: "Connecting…",
	interrupted: "Interrupted, reconnecting…",
};

export function bitrateText(bitsPerSecond) {
	if (bitsPerSecond >= 1e6)
		return `${(bitsPerSecond / 1e6).toFixed(2)} Mb/s`;
	return `${Math.round(bitsPerSecond / 1000)} kb/s`;
}

export class Tile {
	#history = [];
	#numbers = new Map();
	#label;

	// session: a Publication (own) or Subscription of plenum.js.
	constructor(template, session, { own, label }) {
		this.element = template.content.firstElementChild.cloneNode(true);
		this.session = session;
		this.own = own;
		this.#label = label;
		const find = (selector) => this.element.querySelector(selector);
		this.video = find("video");
		this.notice = find(".notice");
		this.soundButton = find(".sound");
		this.owner = find(".owner");
		this.spark = find(".spark");
		for (const each of this.element.querySelectorAll("[data-number]"))
			this.#numbers.set(each.dataset.number, each);
		find(".name").textContent = label;
		find(".name").title = label; // it may be cut
		find(".you").hidden = !own;
		this.element.setAttribute("aria-label", `Stream of ${label}`);
		this.video.setAttribute("aria-label", `Picture of ${label}`);

		// Browsers play silently without a gesture, so every stream starts muted and says so. The
		// property must be set as well: the attribute is ignored on clones.
		this.video.muted = true;
		const kinds = session.kinds ?? session.stream.getTracks().map((track) => track.kind);
		if (!kinds.includes("video"))
			this.element.dataset.soundOnly = "";
		if (!own && kinds.includes("audio")) {
			this.soundButton.hidden = false;
			this.soundButton.addEventListener("click", () => this.setSound(this.video.muted));
			this.video.addEventListener("click", () => this.setSound(this.video.muted));
			this.#showSound();
		}
		if (session.attach)
			session.attach(this.video);
		else
			this.video.srcObject = session.stream;
		session.addEventListener("state", () => this.showState());
		session.addEventListener("firstframe", () => this.showState());
		session.addEventListener("stats", ({ detail }) => this.update(detail));
		this.showState();
	}

	get silent() {
		return !this.soundButton.hidden && this.video.muted;
	}

	setSound(on) {
		this.video.muted = !on;
		this.video.play().catch(() => {
			// Refused without a gesture: go on silently.
			this.video.muted = true;
			this.#showSound();
			this.video.play().catch(() => {});
		});
		this.#showSound();
		this.element.dispatchEvent(new CustomEvent("soundchange", { bubbles: true }));
	}

	setOwner(isOwner) {
		this.owner.hidden = !isOwner;
	}

	// What the server said about the stream: paused, or no media coming from its publisher.
	setStream(stream) {
		this.stream = stream;
		this.showState();
	}

	showState() {
		const words = STATE_WORDS[this.session.state]
			?? (this.stream?.interrupted ? "No media is coming from the sender…" : undefined);
		// One's own picture needs no cover while the way to the server is sought.
		this.notice.hidden = !words || (this.own && this.session.state !== "interrupted");
		this.notice.textContent = words ?? "";
	}

	update(reading) {
		this.#history.push(reading.bitrate);
		if (this.#history.length > SPARK_SAMPLES)
			this.#history.shift();
		const picture = reading.width
			? `${reading.width}×${reading.height} ${Math.round(reading.fps ?? 0)} fps`
			: "sound only";
		this.#show("picture", picture);
		this.#show("bitrate", bitrateText(reading.bitrate));
		this.#show("loss", `${(reading.loss * 100).toFixed(1)} %`, reading.loss, 0.02, 0.1);
		this.#show("rtt", reading.rttMs === null ? "–" : `${Math.round(reading.rttMs)} ms`,
			reading.rttMs ?? 0, 200, 500);
		this.#drawSpark();
	}

	remove() {
		this.video.srcObject = null;
		this.element.remove();
	}

	#show(name, text, value = 0, warn = Infinity, bad = Infinity) {
		const element = this.#numbers.get(name);
		element.textContent = text;
		element.dataset.level = value >= bad ? "bad" : value >= warn ? "warn" : "good";
	}

	#showSound() {
		const { muted } = this.video;
		this.soundButton.textContent = muted ? "Tap for sound" : "Sound on";
		this.soundButton.setAttribute("aria-label",
			`${muted ? "Turn on" : "Turn off"} the sound of ${this.#label}`);
		this.soundButton.setAttribute("aria-pressed", String(!muted));
	}

	#drawSpark() {
		const { spark } = this;
		const scale = globalThis.devicePixelRatio || 1;
		const width = spark.clientWidth;
		const height = spark.clientHeight;
		if (!width)
			return;
		spark.width = width * scale;
		spark.height = height * scale;
		const paint = spark.getContext("2d");
		const style = getComputedStyle(spark);
		paint.scale(scale, scale);
		const top = Math.max(...this.#history, 1);
		const step = width / (SPARK_SAMPLES - 1);
		const x = (index) => width - (this.#history.length - 1 - index) * step;
		const y = (value) => height - 2 - (value / top) * (height - 4);
		paint.beginPath();
		this.#history.forEach((value, index) => paint.lineTo(x(index), y(value)));
		paint.strokeStyle = style.getPropertyValue("--spark");
		paint.lineWidth = 1.5;
		paint.stroke();
		paint.lineTo(width, height);
		paint.lineTo(x(0), height);
		paint.fillStyle = style.getPropertyValue("--spark-fill");
		paint.fill();
	}
}
