// SPDX-License-Identifier: BSD-3-Clause
// One publisher and some viewers in real browsers, and what the viewers got of what was sent.
// Fails (exit 1) when it is not good enough; exit 2 when it could not be measured.
//
// usage: node tools/demo/check.mjs [--url https://198.18.0.2:8443/] [--netns NAME]
//        [--publisher-netns NAME] [--viewers 3] [--seconds 20] [--room NAME] [--json FILE]
//        [--relay-netns NAME --relay-socket PATH --plenumctl PATH]: compare with the relay's counters

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
	launchBrowser, longestConcealment, median, openConsole, readStats, sleep, startSampling,
	stopSampling, waitForStats,
} from "../../tests/e2e/helpers.mjs";
import { INSIDE, Relay, sum } from "./relay.mjs";

const LIMITS = {
	framesRatio: 0.8, // of the published frame rate, each viewer, at least
	concealmentMs: 200, // longest stretch of made-up sound, at most
	relayedRatio: 0.01, // difference of what the relay sent and the viewers received, at most
	joinMs: 1000, // from room.join to the first decoded picture, median, at most
};
const SETTLE_MS = 3000; // the encoder finds its rate, and the joining is over

const { values: options } = parseArgs({
	options: {
		url: { type: "string", default: "https://198.18.0.2:8443/" },
		netns: { type: "string" },
		"publisher-netns": { type: "string" },
		viewers: { type: "string", default: "3" },
		seconds: { type: "string", default: "20" },
		room: { type: "string", default: `check-${process.pid}` },
		json: { type: "string" },
		"relay-netns": { type: "string" },
		"relay-socket": { type: "string" },
		plenumctl: { type: "string" },
	},
});
const nViewers = Number(options.viewers);
const seconds = Number(options.seconds);

const relay = options.plenumctl
	? new Relay({
		netns: options["relay-netns"], socket: options["relay-socket"], plenumctl: options.plenumctl,
	})
	: null;

const complaints = [];
const onError = (text) => {
	if (complaints.length < 50)
		complaints.push(text);
};

async function publisherReading(page) {
	const stats = await readStats(page);
	const own = stats.streams.find((each) => each.kind === "publication");
	if (own?.state !== "connected")
		throw new Error(`the publisher is ${own?.state ?? "gone"}, signaling ${stats.signaling}`);
	return own;
}

function viewerResult(name, samples, published) {
	const readings = samples
		.map((sample) => sample.streams.find((each) => each.kind === "subscription"))
		.filter((each) => each);
	if (readings.length < 2)
		throw new Error(`${name} has no stream`);
	const first = readings[0];
	const last = readings.at(-1);
	const elapsed = (last.at - first.at) / 1000;
	const grown = (key) => last[key] - first[key];
	const fps = grown("framesDecoded") / elapsed;
	const joined = samples[0].joinRequestedAt;
	return {
		name,
		seconds: elapsed,
		framesDecoded: grown("framesDecoded"),
		fps,
		framesRatio: fps / published.fps,
		packetsReceived: grown("packetsReceived"),
		packetsLost: grown("packetsLost"),
		packetsReceivedTotal: last.packetsReceived,
		packetsLostTotal: last.packetsLost,
		audioSamples: grown("audioSamples"),
		audioEnergy: grown("audioEnergy"),
		concealedSamples: grown("concealedSamples"),
		concealmentEvents: grown("concealmentEvents"),
		longestConcealmentMs: longestConcealment(readings),
		freezes: grown("freezeCount"),
		rttMs: last.rttMs,
		subscribeToDecodedMs: last.decodedMs,
		joinToDecodedMs: last.decodedMs === null ? null : last.requestedAt + last.decodedMs - joined,
	};
}

// The relay's own counters: what it took from publishers, what it gave to viewers, what it lost.
async function relayReading() {
	if (!relay)
		return null;
	const [producers, consumers, drops] = await Promise.all([
		relay.show("producers"), relay.show("consumers"), relay.drops(),
	]);
	return {
		received: sum(producers, "packets"),
		sent: sum(consumers, "packets"),
		resent: sum(consumers, "retransmitted"),
		dropped: sum(consumers, "dropped"),
		inside: INSIDE.reduce((total, name) => total + (drops[name] ?? 0), 0),
		drops,
	};
}

// What all viewers have received since they joined, retransmissions that came twice left out.
async function viewersReceived(viewers) {
	const all = await Promise.all(viewers.map(({ page }) => readStats(page)));
	return all.reduce((total, { streams }) =>
		total + streams.find((each) => each.kind === "subscription").packetsReceived, 0);
}

async function measure() {
	const browsers = [];
	try {
		const forPublisher = await launchBrowser({ netns: options["publisher-netns"] ?? options.netns });
		browsers.push(forPublisher);
		const publisher = await openConsole(forPublisher, options.url, {
			room: options.room, user: "check-publisher", role: "publisher", source: "pattern", auto: 1,
		}, { onError });
		await waitForStats(publisher, "publication", ({ streams }) =>
			streams.some((each) => each.state === "connected" && each.framesSent > 10), 30_000);

		const forViewers = await launchBrowser({ netns: options.netns });
		browsers.push(forViewers);
		const viewers = [];
		for (let i = 1; i <= nViewers; i++) {
			// One after the other: the time to join is that of one viewer, not of page loads.
			const name = `check-viewer-${i}`;
			const page = await openConsole(forViewers, options.url, {
				room: options.room, user: name, role: "viewer", auto: 1,
			}, { onError });
			await waitForStats(page, `picture at ${name}`, ({ streams }) =>
				streams.some((each) => each.decodedMs !== null));
			viewers.push({ name, page });
		}
		await sleep(SETTLE_MS);

		await Promise.all(viewers.map(({ page }) => startSampling(page)));
		const before = await publisherReading(publisher);
		await sleep(seconds * 1000);
		const after = await publisherReading(publisher);
		const sampled = await Promise.all(viewers.map(({ page }) => stopSampling(page)));
		const [received, relayed] = await Promise.all([viewersReceived(viewers), relayReading()]);

		const elapsed = (after.at - before.at) / 1000;
		const published = {
			seconds: elapsed,
			framesSent: after.framesSent - before.framesSent,
			framesEncoded: after.framesEncoded - before.framesEncoded,
			fps: (after.framesSent - before.framesSent) / elapsed,
			bitrate: ((after.bytes - before.bytes) * 8) / elapsed,
			packetsSent: after.packetsSent - before.packetsSent,
			nackCount: after.nackCount - before.nackCount,
			pliCount: after.pliCount - before.pliCount,
			width: after.width,
			height: after.height,
			rttMs: after.rttMs,
		};
		return {
			published,
			viewers: viewers.map(({ name }, i) => viewerResult(name, sampled[i], published)),
			viewersReceived: received,
			relayed,
		};
	} finally {
		await Promise.all(browsers.map((each) => each.close()));
	}
}

function judgeRelay({ relayed, viewersReceived: received, viewers }, failures) {
	const lost = viewers.reduce((total, each) => total + Math.max(0, each.packetsLostTotal), 0);
	if (lost > 0)
		failures.push(`viewers miss ${lost} packets`);
	if (!relayed)
		return;
	if (relayed.inside + relayed.dropped > 0)
		failures.push(`packets were lost inside the relay: ${JSON.stringify(relayed.drops)}`);
	const difference = Math.abs(relayed.sent - received) / Math.max(1, relayed.sent);
	if (!(relayed.sent > 0 && difference <= LIMITS.relayedRatio)) {
		failures.push(`the relay sent ${relayed.sent} packets, viewers received ${received}:`
			+ ` ${(difference * 100).toFixed(1)} % apart`);
	}
}

function judge(measured) {
	const { published, viewers } = measured;
	const failures = [];
	judgeRelay(measured, failures);
	if (!(published.fps > 1))
		failures.push(`only ${published.fps.toFixed(1)} frames a second were published`);
	for (const each of viewers) {
		if (!(each.framesRatio >= LIMITS.framesRatio)) {
			failures.push(`${each.name} decoded ${(each.framesRatio * 100).toFixed(0)} % of the published`
				+ ` frame rate, less than ${LIMITS.framesRatio * 100} %`);
		}
		if (!(each.audioSamples > 0))
			failures.push(`${each.name} played no sound`);
		if (!(each.longestConcealmentMs <= LIMITS.concealmentMs)) {
			failures.push(`${each.name} had ${each.longestConcealmentMs.toFixed(0)} ms of made-up sound in`
				+ ` a row, more than ${LIMITS.concealmentMs} ms`);
		}
	}
	const joins = viewers.map((each) => each.joinToDecodedMs);
	const joinMs = joins.includes(null) || joins.length === 0 ? null : median(joins);
	if (joinMs === null || joinMs > LIMITS.joinMs)
		failures.push(`join to first picture: median ${joinMs?.toFixed(0)} ms, more than ${LIMITS.joinMs} ms`);
	return { failures, joinMedianMs: joinMs, joinMaxMs: joins.includes(null) ? null : Math.max(...joins) };
}

function printTable({ published, viewers, viewersReceived: received, relayed }) {
	console.log(`published: ${published.width}x${published.height}, ${published.fps.toFixed(1)} fps, `
		+ `${(published.bitrate / 1000).toFixed(0)} kb/s, ${published.packetsSent} packets in `
		+ `${published.seconds.toFixed(1)} s`);
	const columns = [
		["viewer", (each) => each.name],
		["fps", (each) => each.fps.toFixed(1)],
		["of sent", (each) => `${(each.framesRatio * 100).toFixed(1)} %`],
		["received", (each) => each.packetsReceived],
		["lost", (each) => each.packetsLost],
		["concealed", (each) => `${((each.concealedSamples / Math.max(1, each.audioSamples)) * 100).toFixed(2)} %`],
		["longest", (each) => `${each.longestConcealmentMs.toFixed(0)} ms`],
		["join", (each) => `${each.joinToDecodedMs?.toFixed(0) ?? "-"} ms`],
		["rtt", (each) => `${each.rttMs?.toFixed(1) ?? "-"} ms`],
	];
	const rows = [columns.map(([title]) => title),
		...viewers.map((each) => columns.map(([, text]) => String(text(each))))];
	const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
	for (const row of rows)
		console.log(row.map((text, i) => (i ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join("  "));
	if (relayed) {
		console.log(`relay: took ${relayed.received} packets, sent ${relayed.sent} (viewers received ${received}), `
			+ `resent ${relayed.resent}, lost ${relayed.inside + relayed.dropped} inside`);
	}
}

try {
	const measured = await measure();
	const verdict = judge(measured);
	const report = {
		url: options.url,
		limits: LIMITS,
		...measured,
		...verdict,
		passed: verdict.failures.length === 0,
		pageErrors: complaints,
	};
	printTable(measured);
	for (const failure of verdict.failures)
		console.log(`FAILED: ${failure}`);
	for (const complaint of complaints)
		console.log(`page: ${complaint}`);
	console.log(`check: ${report.passed ? "passed" : "FAILED"}, join to first picture `
		+ `${verdict.joinMedianMs?.toFixed(0) ?? "-"} ms (median), ${verdict.joinMaxMs?.toFixed(0) ?? "-"} ms (longest)`);
	if (options.json)
		await writeFile(options.json, `${JSON.stringify(report, null, "\t")}\n`);
	process.exitCode = report.passed ? 0 : 1;
} catch (error) {
	console.error(`check: ${error.message}`);
	for (const complaint of complaints)
		console.error(`page: ${complaint}`);
	process.exitCode = 2;
}
