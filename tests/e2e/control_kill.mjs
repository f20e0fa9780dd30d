// SPDX-License-Identifier: BSD-3-Clause
import { access, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sleep } from "./helpers.mjs";
import { check, env, note, openPeer, pictures, publish, readings, relay, scenario, until, watch } from "./scenario.mjs";

const SECONDS = 60;
const fifo = process.argv[2];

await scenario(async ({ launch }) => {
	let told = false;
	try {
		const publisher = await openPeer(await launch(), "alice", "kill");
		await publish(publisher, "camera", { create: true });
		const browser = await launch();
		const pages = [];
		for (const user of ["bob", "carol", "dave"]) {
			const page = await openPeer(browser, user, "kill");
			await watch(page, "alice", "camera");
			await pictures(page, 1);
			pages.push(page);
		}
		await sleep(2000);
		const read = () => Promise.all(pages.map(async (page) => (await readings(page))[0]));
		const before = await read();
		process.kill(Number(env.E2E_CONTROL_PID), "SIGKILL");
		let last = before;
		for (let s = 0; s < SECONDS; s += 5) {
			await sleep(5000);
			const now = await read();
			now.forEach((each, i) => check(each.framesDecoded > last[i].framesDecoded + 25,
				`after ${s + 5} s viewer ${i} decoded only ${each.framesDecoded - last[i].framesDecoded} frames in 5 s`));
			last = now;
		}
		const lost = last.map((each, i) => each.packetsLost - before[i].packetsLost);
		const received = last.map((each, i) => each.packetsReceived - before[i].packetsReceived);
		note(`${SECONDS} s without plenum-control: received ${received.join(", ")}, lost ${lost.join(", ")}`);
		check(lost.every((each) => each <= 0), `packets were lost: ${lost.join(", ")}`);
		check((await relay.show("transports")).filter((each) => each.state === "secure").length >= 4,
			"transports are gone");
		await writeFile(fifo, "go\n");
		told = true;
		const back = join(dirname(fifo), "restarted");
		await until("plenum-control is back", () => access(back).then(() => true, () => false), 20_000);
		const again = await launch();
		const fresh = await openPeer(again, "erin", "after");
		await publish(fresh, "camera", { create: true });
		const viewer = await openPeer(again, "frank", "after");
		await watch(viewer, "erin", "camera");
		await pictures(viewer, 1);
	} finally {
		if (!told)
			await writeFile(fifo, "go\n");
	}
});
