// SPDX-License-Identifier: BSD-3-Clause
// The console page. It can be used by hand, or unattended by its address:
// ?room=x&user=y&role=publisher|viewer&source=camera|pattern&auto=1 (and #token=... where the server
// gives out no demo tokens).

import { PlenumClient, PlenumError, demoToken } from "./plenum.js";
import { createPattern } from "./pattern.js";
import { Tile } from "./tile.js";
import { words } from "./words.js";

const STREAM_ID = "main";
const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const MAX_BITRATE = { camera: 1_800_000, pattern: 1_000_000 };
const AUTO_RETRY_MS = [1000, 2000, 4000, 8000];

const $ = (id) => document.getElementById(id);
const address = new URLSearchParams(location.search);
const form = $("join").elements;

let client = null;
let source = null; // {stream, stop()} of what is published
let publication = null;
const tiles = new Map(); // session -> Tile
const watching = new Map(); // "publisherId/streamId" -> attempts, while a subscription is wanted

// --- words and small helpers ---

function complain(error) {
	console.warn(`${error.name ?? "error"}: ${error.message}`);
	$("alert-text").textContent = words(error);
	$("alert").hidden = false;
}

function calm() {
	$("alert").hidden = true;
}

const asId = (text) => text.trim().replace(/\s+/g, "-");

function remembered(key) {
	try {
		return localStorage.getItem(`plenum.${key}`);
	} catch {
		return null; // storage can be forbidden
	}
}

function remember(key, value) {
	try {
		localStorage.setItem(`plenum.${key}`, value);
	} catch {
		// the next visit asks again
	}
}

function stopSource() {
	source?.stop();
	source = null;
}

// --- entering ---

function wishes() {
	return {
		user: asId(form.user.value),
		room: asId(form.room.value),
		role: form.role.value,
		source: form.source.value,
		type: form.type.value,
		token: form.token.value,
	};
}

function fillForm() {
	const random = Math.random().toString(36).slice(2, 6);
	form.user.value = address.get("user") ?? remembered("user") ?? `guest-${random}`;
	form.room.value = address.get("room") ?? remembered("room") ?? "demo";
	form.role.value = address.get("role") ?? "publisher";
	form.source.value = address.get("source") ?? remembered("source") ?? "camera";
	form.type.value = address.get("type") ?? "m2m";
	form.token.value = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
	for (const radios of [form.role, form.source]) {
		if (!radios.value)
			radios[0].checked = true;
	}
	showSources();
}

function showSources() {
	$("sources").hidden = form.role.value === "viewer";
}

// A publisher finds the room or makes it; a viewer only finds it.
async function enterRoom({ room, role, type }) {
	try {
		return await client.joinRoom(room, role);
	} catch (error) {
		if (error.name !== "unknown_room" || role !== "publisher")
			throw error;
	}
	try {
		return await client.createRoom(type, room);
	} catch (error) {
		if (error.name !== "room_exists")
			throw error;
		return client.joinRoom(room, role); // somebody was faster
	}
}

async function enter(wish) {
	client = new PlenumClient();
	listen(client);
	// A fresh token for every connection; without demo mode the one that was typed in.
	const token = wish.token || (() => demoToken(wish.user, wish.room));
	const url = new URL("/v1/signal", location.href);
	url.protocol = url.protocol.replace("http", "ws");
	try {
		await client.connect(url.href, token);
		await enterRoom(wish);
	} catch (error) {
		const failed = client;
		client = null;
		await failed.close();
		showSignaling({ state: "closed" });
		if (error.name === "unauthorized")
			$("more").open = true;
		throw error;
	}
	showRoom(wish);
	if (wish.role === "publisher")
		await publish(wish.source).catch(complain);
}

async function enterUnattended(wish) {
	for (let attempt = 0; ; attempt++) {
		try {
			await enter(wish);
			calm();
			return;
		} catch (error) {
			complain(error);
			const wait = AUTO_RETRY_MS[Math.min(attempt, AUTO_RETRY_MS.length - 1)];
			await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
		}
	}
}

function showJoin() {
	$("live").hidden = true;
	$("join").hidden = false;
	$("where").textContent = "";
}

function showRoom(wish) {
	$("join").hidden = true;
	$("live").hidden = false;
	$("source").value = wish.source;
	document.title = `${wish.room} – Plenum`;
	render();
	watchAll();
}

// --- publishing ---

async function openSource(kind, wantsVideo) {
	if (kind === "pattern")
		return createPattern({ name: client.userId, picture: wantsVideo });
	if (!navigator.mediaDevices)
		throw new PlenumError(0, "insecure", "no mediaDevices");
	const stream = await navigator.mediaDevices.getUserMedia({
		audio: true,
		video: wantsVideo && CAMERA,
	});
	return { stream, stop: () => stream.getTracks().forEach((track) => track.stop()) };
}

async function publish(kind) {
	const entered = client;
	$("publish").disabled = true;
	try {
		const opened = await openSource(kind, client.room.type !== "a2m");
		if (client !== entered || !client.room) {
			opened.stop();
			return;
		}
		source = opened;
		publication = await client.publish(source.stream, {
			streamId: STREAM_ID,
			maxBitrate: MAX_BITRATE[kind],
		});
		const own = publication;
		addTile(own, client.userId, true);
		own.addEventListener("state", ({ detail }) => {
			if (detail.state === "closed" && publication === own)
				unpublished();
		});
	} catch (error) {
		stopSource();
		throw error;
	} finally {
		render();
	}
}

function unpublished() {
	publication = null;
	stopSource();
	render();
}

async function togglePublish() {
	calm();
	try {
		if (publication)
			await publication.close();
		else
			await publish($("source").value);
	} catch (error) {
		complain(error);
	}
}

async function changeSource() {
	remember("source", $("source").value);
	if (!publication)
		return;
	await togglePublish();
	await togglePublish();
}

function toggleTrack(kind) {
	const track = publication?.stream.getTracks().find((each) => each.kind === kind);
	if (track)
		track.enabled = !track.enabled;
	render();
}

// --- watching ---

function addTile(session, label, own) {
	const tile = new Tile($("tile-template"), session, { own, label });
	tiles.set(session, tile);
	if (own)
		$("grid").prepend(tile.element);
	else
		$("grid").append(tile.element);
	session.addEventListener("state", ({ detail }) => {
		if (detail.state !== "closed")
			return;
		tile.remove();
		tiles.delete(session);
		render();
	});
	render();
}

// Watches every stream of the others that is not watched yet.
function watchAll() {
	for (const { publisherId, streamId } of client?.streams() ?? []) {
		if (publisherId !== client.userId)
			watch(client, publisherId, streamId);
	}
}

async function watch(entered, publisherId, streamId) {
	const key = `${publisherId}/${streamId}`;
	const wanted = () => client === entered && client.streams()
		.some((each) => each.publisherId === publisherId && each.streamId === streamId);
	if (watching.has(key))
		return;
	watching.set(key, 0);
	let session = null;
	while (!session && wanted()) {
		try {
			session = await client.subscribe(publisherId, streamId);
		} catch (error) {
			const attempts = watching.get(key) + 1;
			watching.set(key, attempts);
			if (attempts === 2 && wanted())
				complain(error);
			const wait = AUTO_RETRY_MS[Math.min(attempts - 1, AUTO_RETRY_MS.length - 1)];
			await new Promise((resolve) => setTimeout(resolve, wait));
		}
	}
	if (!session) {
		watching.delete(key);
		return;
	}
	session.addEventListener("state", ({ detail }) => {
		if (detail.state !== "closed")
			return;
		watching.delete(key);
		if (client === entered)
			watchAll();
	});
	addTile(session, publisherId, false);
}

// --- what the client tells ---

function listen(entered) {
	const on = (type, handler) => entered.addEventListener(type, ({ detail }) => {
		if (client === entered)
			handler(detail);
	});
	on("signaling", showSignaling);
	on("error", complain);
	on("room", (room) => {
		if (room && !$("live").hidden) {
			render();
			watchAll();
		}
	});
	on("room.kicked", ({ by, reason }) => complain(reason === "replaced"
		? new PlenumError(0, "replaced", "replaced")
		: new PlenumError(0, "kicked",
			`${by ?? "A publisher"} removed you from the room${reason ? `: ${reason}` : "."}`)));
	on("room.closed", () => complain(new PlenumError(0, "room_closed", "The room has ended.")));
	on("room", (room) => {
		if (!room && !$("live").hidden)
			left();
	});
}

function showSignaling({ state, error }) {
	const text = {
		idle: "Not connected",
		connecting: "Connecting…",
		open: "Connected",
		reconnecting: "Connection lost, reconnecting…",
		closed: "Not connected",
	};
	$("badge").textContent = text[state];
	$("badge").dataset.state = error ? "closed" : state === "closed" ? "idle" : state;
	if (state === "closed" && error && error.name !== "closed" && !$("live").hidden)
		complain(error);
}

function left() {
	const gone = client;
	client = null;
	publication = null;
	stopSource();
	for (const tile of tiles.values())
		tile.remove();
	tiles.clear();
	watching.clear();
	showSignaling({ state: "closed" });
	document.title = "Plenum";
	showJoin();
	gone?.close();
}

// --- drawing what is there ---

function enabled(kind) {
	return publication?.stream.getTracks().find((track) => track.kind === kind)?.enabled;
}

function toggleButton(button, kind, words) {
	const state = enabled(kind);
	button.disabled = state === undefined;
	button.textContent = state === false ? words.off : words.on;
	button.setAttribute("aria-pressed", String(state === false));
}

function render() {
	const room = client?.room;
	if (!room)
		return;
	const publishes = room.role === "publisher";
	const viewers = room.viewerCount ?? 0;
	$("where").textContent = `${room.roomId} · ${client.userId}${publishes ? "" : " (watching)"}`;
	$("count").textContent = `${room.publishers.length} taking part, ${viewers} watching`;
	$("publish").hidden = $("mic").hidden = $("source-label").hidden = !publishes;
	$("cam").hidden = !publishes || room.type === "a2m";
	$("publish").disabled = false;
	$("publish").textContent = publication ? "Stop publishing" : "Publish";
	$("publish").classList.toggle("primary", !publication);
	toggleButton($("mic"), "audio", { on: "Mute", off: "Unmute" });
	toggleButton($("cam"), "video", { on: "Hide picture", off: "Show picture" });
	$("sound").hidden = [...tiles.values()].filter((tile) => tile.silent).length < 2;
	$("empty").hidden = tiles.size > 0;
	$("empty").textContent = publishes
		? "Nothing is being published yet."
		: "Nobody is publishing yet. Streams appear here by themselves.";
	for (const [session, tile] of tiles) {
		const userId = session.publisherId ?? session.userId;
		tile.setOwner(userId === room.ownerId);
		tile.setStream(client.streams().find((each) =>
			each.publisherId === userId && each.streamId === session.streamId));
	}
}

function shareLink() {
	const link = new URL(location.href);
	link.hash = "";
	link.search = "";
	link.searchParams.set("room", client.room.roomId);
	return link.href;
}

async function share() {
	try {
		await navigator.clipboard.writeText(shareLink());
		$("share").textContent = "Copied";
		setTimeout(() => ($("share").textContent = "Copy link"), 2000);
	} catch {
		complain(new PlenumError(0, "clipboard", shareLink()));
	}
}

// --- start ---

// For tests and for people with the developer tools open.
window.plenumStats = async () => ({
	userId: client?.userId ?? null,
	signaling: client?.signalingState ?? "idle",
	room: client?.room ?? null,
	joinRequestedAt: client?.joinRequestedAt ?? null,
	streams: client ? await client.measure() : [],
});

$("join").addEventListener("submit", async (event) => {
	event.preventDefault();
	calm();
	const wish = wishes();
	remember("user", wish.user);
	remember("room", wish.room);
	remember("source", wish.source);
	$("enter").disabled = true;
	await enter(wish).then(() => $("leave").focus(), complain);
	$("enter").disabled = false;
});
$("join").addEventListener("change", showSources);
$("alert-close").addEventListener("click", calm);
$("publish").addEventListener("click", togglePublish);
$("mic").addEventListener("click", () => toggleTrack("audio"));
$("cam").addEventListener("click", () => toggleTrack("video"));
$("source").addEventListener("change", changeSource);
$("sound").addEventListener("click", () => tiles.forEach((tile) => tile.silent && tile.setSound(true)));
$("grid").addEventListener("soundchange", render);
$("share").addEventListener("click", share);
$("leave").addEventListener("click", () => {
	left();
	$("enter").focus();
});

fillForm();
if (address.get("auto") === "1")
	enterUnattended(wishes());
else
	showJoin();
