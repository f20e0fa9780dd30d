// SPDX-License-Identifier: BSD-3-Clause
import { sleep } from "./helpers.mjs";
import { check, env, note, openPeer, pictures, publish, relay, scenario, watch } from "./scenario.mjs";

await scenario(async ({ launch }) => {
	const publisher = await openPeer(await launch(), "alice", "rebind");
	await publish(publisher, "camera", { create: true });
	const viewer = await openPeer(await launch(), "bob", "rebind");
	await watch(viewer, "alice", "camera");
	await pictures(viewer, 1);
	await sleep(3000); // connections stand, agents are gone
	const before = await relay.show("transports");
	// Times of every decoded frame, looked at inside the page.
	await viewer.evaluate(() => {
		window.gaps = [];
		let last = performance.now();
		let frames = -1;
		window.watcher = setInterval(async () => {
			const [reading] = await window.peer.client.measure();
			const now = performance.now();
			if (reading.framesDecoded !== frames) {
				window.gaps.push(now - last);
				frames = reading.framesDecoded;
				last = now;
			}
		}, 50);
	});
	await sleep(1000);
	process.kill(Number(env.E2E_IMPAIR_PID), "SIGUSR1");
	await sleep(8000);
	const gaps = await viewer.evaluate(() => (clearInterval(window.watcher), window.gaps));
	const after = await relay.show("transports");
	for (const each of after) {
		const earlier = before.find(({ id }) => id === each.id);
		check(each.remote !== earlier.remote, `transport ${each.id} still has ${each.remote}`);
	}
	const longest = Math.max(...gaps);
	note(`longest gap of the picture ${(longest / 1000).toFixed(2)} s`);
	check(longest <= 3000, `the picture stood still for ${(longest / 1000).toFixed(1)} s`);
	check(gaps.length > 60, `only ${gaps.length} changes of the picture`);
});
