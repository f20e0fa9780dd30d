// SPDX-License-Identifier: BSD-3-Clause
// Real Chromium for tests and the demo: started in a network namespace, opening the console page.

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

const FLAGS = [
	"--headless=new",
	"--no-sandbox", // the tests run as root
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
	"--disable-dev-shm-usage",
	"--use-fake-device-for-media-stream",
	"--use-fake-ui-for-media-stream",
	"--autoplay-policy=no-user-gesture-required",
];

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Starts a browser of its own with an empty profile. netns: name of the network namespace, or
// nothing for the current one. close() ends it and removes what it left; so does a signal, unless
// handleSignals is false and the caller sees to it.
export async function launchBrowser({ netns, flags = [], handleSignals = true } = {}) {
	const folder = await mkdtemp(join(tmpdir(), "plenum-e2e-"));
	let executablePath = CHROMIUM;
	if (netns) {
		if (!/^[A-Za-z0-9_.-]+$/.test(netns))
			throw new Error(`not a name of a network namespace: ${netns}`);
		executablePath = join(folder, "chromium");
		await writeFile(executablePath, `#!/bin/sh\nexec ip netns exec ${netns} "${CHROMIUM}" "$@"\n`);
		await chmod(executablePath, 0o755);
	}
	let browser;
	try {
		browser = await chromium.launch({
			executablePath,
			headless: true,
			args: [...FLAGS, ...flags],
			handleSIGINT: handleSignals,
			handleSIGTERM: handleSignals,
			handleSIGHUP: handleSignals,
		});
	} catch (error) {
		await rm(folder, { recursive: true, force: true });
		throw error;
	}
	return {
		browser,
		close: async () => {
			await browser.close().catch(() => {});
			await rm(folder, { recursive: true, force: true });
		},
	};
}

// Opens a page; once more when the browser takes a fresh namespace's interfaces for a change.
export async function visit(page, url) {
	try {
		await page.goto(url);
	} catch (error) {
		if (!error.message.includes("ERR_NETWORK_CHANGED"))
			throw error;
		await sleep(1000);
		await page.goto(url);
	}
}

// Opens the console page. query: room, user, role, source, auto. Errors of the page go to onError.
export async function openConsole(launched, url, query, { onError = () => {}, viewport } = {}) {
	const context = await launched.browser.newContext({ ignoreHTTPSErrors: true, viewport });
	const page = await context.newPage();
	page.on("pageerror", (error) => onError(`${query.user}: ${error.message}`));
	page.on("console", (message) => {
		if (message.type() === "error")
			onError(`${query.user}: ${message.text()}`);
	});
	const address = new URL(url);
	for (const [key, value] of Object.entries(query))
		address.searchParams.set(key, value);
	await visit(page, address.href);
	return page;
}

export const readStats = (page) => page.evaluate(() => window.plenumStats());

// Waits until a test of the statistics holds; returns them. what is for the message only.
export async function waitForStats(page, what, test, timeoutMs = 20_000) {
	const until = Date.now() + timeoutMs;
	for (;;) {
		const stats = await readStats(page);
		if (test(stats))
			return stats;
		if (Date.now() > until) {
			throw new Error(`no ${what} within ${timeoutMs / 1000} s: signaling ${stats.signaling}, `
				+ `streams ${JSON.stringify(stats.streams.map((each) => [each.kind, each.userId, each.state]))}`);
		}
		await sleep(100);
	}
}

// Samples inside the page, so that the way to the browser does not stretch the intervals.
export function startSampling(page, everyMs = 200) {
	return page.evaluate((ms) => {
		const samples = (window.plenumSamples = []);
		window.plenumSampler = setInterval(async () => {
			samples.push({ at: performance.now(), ...(await window.plenumStats()) });
		}, ms);
	}, everyMs);
}

export function stopSampling(page) {
	return page.evaluate(() => {
		clearInterval(window.plenumSampler);
		return window.plenumSamples;
	});
}

// The longest stretch of made-up sound in milliseconds, from readings of one stream in order. An
// interval in which a new stretch began may have ended the old one anywhere in it, so its sound is
// counted for both: the result is never too small.
export function longestConcealment(readings, sampleRate = 48_000) {
	let longest = 0;
	let running = 0;
	for (let i = 1; i < readings.length; i++) {
		const samples = readings[i].concealedSamples - readings[i - 1].concealedSamples;
		const events = readings[i].concealmentEvents - readings[i - 1].concealmentEvents;
		longest = Math.max(longest, running + samples);
		running = samples > 0 ? (events > 0 ? samples : running + samples) : 0;
	}
	return (longest / sampleRate) * 1000;
}

export function median(numbers) {
	const sorted = [...numbers].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
