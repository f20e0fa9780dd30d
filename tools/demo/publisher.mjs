// SPDX-License-Identifier: BSD-3-Clause
// The demo's live publisher: a browser that shows the test picture in a room until it is told to
// stop. Says "publishing" on standard output when the first pictures are on their way.
//
// usage: node tools/demo/publisher.mjs [--url https://198.18.0.2:8443/] [--netns NAME]
//        [--room demo] [--user test-picture]

import { parseArgs } from "node:util";
import { launchBrowser, openConsole, waitForStats } from "../../tests/e2e/helpers.mjs";

const { values: options } = parseArgs({
	options: {
		url: { type: "string", default: "https://198.18.0.2:8443/" },
		netns: { type: "string" },
		room: { type: "string", default: "demo" },
		user: { type: "string", default: "test-picture" },
	},
});

const stopped = new Promise((resolve) => {
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
		process.on(signal, resolve); // the second one must not cut the cleaning up short
});
const launched = await launchBrowser({ netns: options.netns, handleSignals: false });
try {
	const page = await openConsole(launched, options.url, {
		room: options.room, user: options.user, role: "publisher", source: "pattern", auto: 1,
	}, { onError: (text) => console.error(`page: ${text}`) });
	const started = waitForStats(page, "publication", ({ streams }) =>
		streams.some((each) => each.state === "connected" && each.framesSent > 0), 60_000);
	if (await Promise.race([started, stopped.then(() => null)])) {
		console.log("publishing");
		const died = new Promise((resolve) => launched.browser.once("disconnected", () => resolve("died")));
		if ((await Promise.race([stopped, died])) === "died")
			throw new Error("the browser ended by itself");
	}
} catch (error) {
	console.error(`publisher: ${error.message}`);
	process.exitCode = 1;
} finally {
	await launched.close();
}
