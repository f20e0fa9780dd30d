// SPDX-License-Identifier: BSD-3-Clause
// A test picture with a clock, a frame counter, colour bars and something that moves, and a soft
// beep on every second together with a flash, so that sound and picture can be compared.

const BARS = ["#bfbfbf", "#bfbf00", "#00bfbf", "#00bf00", "#bf00bf", "#bf0000", "#0000bf"];
const BEEP_S = 0.12;
const BEEP_GAIN = 0.1;
const BEEP_HZ = 660;
const BEEP_LONG_HZ = 880; // on every fifth second

const two = (number) => String(number).padStart(2, "0");

function drawBackground(width, height) {
	const canvas = document.createElement("canvas");
	canvas.width = width;
	canvas.height = height;
	const paint = canvas.getContext("2d");
	paint.fillStyle = "#101418";
	paint.fillRect(0, 0, width, height);
	const bar = width / BARS.length;
	BARS.forEach((colour, index) => {
		paint.fillStyle = colour;
		paint.fillRect(Math.round(index * bar), 0, Math.ceil(bar), Math.round(height * 0.62));
	});
	const grey = paint.createLinearGradient(0, 0, width, 0);
	grey.addColorStop(0, "#000000");
	grey.addColorStop(1, "#ffffff");
	paint.fillStyle = grey;
	paint.fillRect(0, Math.round(height * 0.62), width, Math.round(height * 0.06));
	return canvas;
}

function drawFrame(paint, background, { width, height, name }, frame, now) {
	const date = new Date(now);
	const ms = date.getMilliseconds();
	paint.drawImage(background, 0, 0);

	// A hand that turns once a second and a ball that crosses in four: stutter is seen at once.
	const x = width * 0.84;
	const y = height * 0.84;
	const radius = height * 0.12;
	const angle = (ms / 1000) * 2 * Math.PI;
	paint.strokeStyle = "#e7ebf0";
	paint.lineWidth = 3;
	paint.beginPath();
	paint.arc(x, y, radius, 0, 2 * Math.PI);
	paint.moveTo(x, y);
	paint.lineTo(x + radius * Math.sin(angle), y - radius * Math.cos(angle));
	paint.stroke();
	const along = (now % 4000) / 4000;
	paint.fillStyle = "#ffffff";
	paint.beginPath();
	paint.arc(width * along, height * (0.3 + 0.22 * Math.sin(along * 4 * Math.PI)), height * 0.05, 0, 2 * Math.PI);
	paint.fill();
	if (ms < BEEP_S * 1000)
		paint.fillRect(width - height * 0.1, 0, height * 0.1, height * 0.1);

	paint.textBaseline = "middle";
	paint.font = `600 ${Math.round(height * 0.11)}px ui-monospace, monospace`;
	paint.fillText(
		`${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(ms).padStart(3, "0")}`,
		width * 0.03, height * 0.78
	);
	paint.font = `${Math.round(height * 0.06)}px ui-monospace, monospace`;
	paint.fillText(`frame ${frame}  ${name}`, width * 0.03, height * 0.91, width * 0.68);
}

// Beeps are planned on the audio clock a little ahead, so that a busy page does not move them.
function makeTone() {
	const Context = globalThis.AudioContext ?? globalThis.webkitAudioContext;
	if (!Context)
		return null;
	const context = new Context();
	const output = context.createMediaStreamDestination();
	const gain = context.createGain();
	gain.gain.value = 0;
	gain.connect(output);
	const oscillator = context.createOscillator();
	oscillator.connect(gain);
	oscillator.start();
	let planned = 0; // wall-clock second of the last planned beep

	// Without a gesture on the page the context waits; the first one lets it go.
	const resume = () => context.resume().catch(() => {});
	addEventListener("pointerdown", resume);
	addEventListener("keydown", resume);
	resume();

	return {
		track: output.stream.getAudioTracks()[0],
		plan(now) {
			const second = Math.floor(now / 1000) + 1;
			if (second === planned || context.state !== "running")
				return;
			planned = second;
			const at = context.currentTime + (second * 1000 - now) / 1000;
			oscillator.frequency.setValueAtTime(second % 5 ? BEEP_HZ : BEEP_LONG_HZ, at);
			gain.gain.setValueAtTime(0, at);
			gain.gain.linearRampToValueAtTime(BEEP_GAIN, at + 0.015);
			gain.gain.setValueAtTime(BEEP_GAIN, at + BEEP_S - 0.03);
			gain.gain.linearRampToValueAtTime(0, at + BEEP_S);
		},
		stop() {
			removeEventListener("pointerdown", resume);
			removeEventListener("keydown", resume);
			context.close().catch(() => {});
		},
	};
}

// Returns {stream, stop()}: a MediaStream with one video track and, with tone, one audio track.
export function createPattern({ width = 640, height = 360, fps = 25, name = "", picture = true, tone = true } = {}) {
	const stream = new MediaStream();
	const sound = tone ? makeTone() : null;
	if (sound)
		stream.addTrack(sound.track);

	let paint = null;
	let background = null;
	let video = null;
	if (picture) {
		const canvas = document.createElement("canvas");
		canvas.width = width;
		canvas.height = height;
		paint = canvas.getContext("2d", { alpha: false });
		background = drawBackground(width, height);
		// Frames are handed over one by one: a capture with a clock of its own would drop some.
		video = canvas.captureStream(0).getVideoTracks()[0];
		video.contentHint = "motion";
		stream.addTrack(video);
	}

	const started = performance.now();
	let frame = 0;
	let timer = null;
	const tick = () => {
		const now = performance.timeOrigin + performance.now();
		sound?.plan(now);
		if (paint) {
			drawFrame(paint, background, { width, height, name }, frame, now);
			video.requestFrame();
		}
		// The next frame is due by the count, not by "40 ms from now", so that the rate holds; a
		// page that slept does not catch up.
		const late = Math.floor(((performance.now() - started) * fps) / 1000) - frame;
		frame += Math.max(1, late);
		timer = setTimeout(tick, Math.max(0, started + (frame * 1000) / fps - performance.now()));
	};
	tick();

	return {
		stream,
		stop() {
			clearTimeout(timer);
			stream.getTracks().forEach((track) => track.stop());
			sound?.stop();
		},
	};
}
