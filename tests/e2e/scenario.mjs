// SPDX-License-Identifier: BSD-3-Clause
// What scenarios share: browsers with pages that drive plenum.js directly, the relay's own view, and
// assertions that say what was seen.

import { launchBrowser, sleep, visit } from "./helpers.mjs";
import { Relay } from "../../tools/demo/relay.mjs";

export const env = process.env;
export const relay = new Relay({
	netns: env.E2E_RELAY_NETNS,
	socket: env.E2E_SOCKET,
	plenumctl: env.E2E_PLENUMCTL,
});

export function check(condition, sentence) {
	if (!condition)
		throw new Error(sentence);
}

// A figure worth printing beside the result.
export const note = (text) => console.log(`# ${text}`);

export async function until(what, test, timeoutMs = 15_000, everyMs = 100) {
	const end = Date.now() + timeoutMs;
	for (;;) {
		const value = await test();
		if (value)
			return value;
		check(Date.now() < end, `not within ${timeoutMs / 1000} s: ${what}`);
		await sleep(everyMs);
	}
}

// Runs main with a way to launch browsers that are closed at the end, whatever happens.
export async function scenario(main) {
	const launched = [];
	const launch = async () => {
		const browser = await launchBrowser({ netns: env.E2E_NETNS });
		launched.push(browser);
		return browser;
	};
	try {
		await main({ launch });
	} catch (error) {
		console.error(error.stack);
		console.error("drops:", JSON.stringify(await relay.drops().catch(() => null)));
		process.exitCode = 1;
	} finally {
		await Promise.all(launched.map((each) => each.close()));
	}
}

// A page with plenum.js loaded; window.peer holds a connected client.
export async function openPeer(launched, user, room) {
	const context = await launched.browser.newContext({ ignoreHTTPSErrors: true });
	const page = await context.newPage();
	page.on("pageerror", (error) => console.error(`${user}: ${error.message}`));
	await visit(page, env.E2E_URL);
	await page.evaluate(async ({ user, room }) => {
		const { PlenumClient, demoToken } = await import("/plenum.js");
		const client = new PlenumClient();
		const url = `wss://${location.host}/v1/signal`;
		await client.connect(url, () => demoToken(user, room));
		window.peer = { client, room, sessions: {} };
	}, { user, room });
	return page;
}

// Publishes a small moving picture with a tone as streamId; resolves when it is connected.
export const publish = (page, streamId, { create = false } = {}) => page.evaluate(async ({ streamId, create }) => {
	const { client, room, sessions } = window.peer;
	if (!client.room)
		await (create ? client.createRoom("m2m", room) : client.joinRoom(room, "publisher"));
	const canvas = document.createElement("canvas");
	canvas.width = 320;
	canvas.height = 180;
	const pen = canvas.getContext("2d");
	let n = 0;
	const timer = setInterval(() => {
		pen.fillStyle = `hsl(${(n * 3) % 360} 80% 50%)`;
		pen.fillRect(0, 0, 320, 180);
		pen.fillStyle = "#fff";
		pen.fillRect((n * 4) % 320, 60, 40, 60);
		n++;
	}, 50);
	const audio = new AudioContext();
	const tone = audio.createOscillator();
	const out = audio.createMediaStreamDestination();
	tone.connect(out);
	tone.start();
	const stream = new MediaStream([...canvas.captureStream(20).getTracks(), ...out.stream.getTracks()]);
	const session = await client.publish(stream, { streamId });
	sessions[streamId] = { session, stop: () => { clearInterval(timer); audio.close(); } };
	while (session.state !== "connected") {
		if (session.state === "closed")
			throw new Error(`publication ${streamId} closed`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}, { streamId, create });

export const unpublish = (page, streamId) => page.evaluate(async (streamId) => {
	const { session, stop } = window.peer.sessions[streamId];
	await session.close();
	stop();
	delete window.peer.sessions[streamId];
}, streamId);

// Watches a stream; resolves when it is connected and shown in a muted video element.
export const watch = (page, publisherId, streamId) => page.evaluate(async ({ publisherId, streamId }) => {
	const { client, room, sessions } = window.peer;
	if (!client.room)
		await client.joinRoom(room, "viewer");
	// The news of a stream just published may still be on their way.
	while (!client.streams().some((each) => each.publisherId === publisherId && each.streamId === streamId)
		&& publisherId !== client.userId)
		await new Promise((resolve) => setTimeout(resolve, 20));
	const session = await client.subscribe(publisherId, streamId);
	const video = document.createElement("video");
	video.muted = true;
	video.autoplay = true;
	document.body.append(video);
	session.attach(video);
	sessions[`${publisherId}/${streamId}`] = { session, stop: () => video.remove() };
}, { publisherId, streamId });

// Readings of all sessions of the page.
export const readings = (page) => page.evaluate(() => window.peer.client.measure());

// Waits until every subscription of the page has decoded frames beyond those given.
export const pictures = (page, n, timeoutMs = 15_000) => until(`${n} pictures that move`, async () => {
	const list = (await readings(page)).filter((each) => each.kind === "subscription");
	return list.length === n && list.every((each) => each.framesDecoded > 5) ? list : null;
}, timeoutMs);
