// SPDX-License-Identifier: BSD-3-Clause
import { sleep } from "./helpers.mjs";
import { check, note, openPeer, pictures, publish, readings, relay, scenario, watch } from "./scenario.mjs";
import { sum } from "../../tools/demo/relay.mjs";

const SECONDS = 20;

await scenario(async ({ launch }) => {
	const publisher = await openPeer(await launch(), "alice", "loss");
	await publish(publisher, "camera", { create: true });
	const viewers = await launch();
	const pages = [];
	for (const user of ["bob", "carol"]) {
		const page = await openPeer(viewers, user, "loss");
		await watch(page, "alice", "camera");
		await pictures(page, 1);
		pages.push(page);
	}
	const read = async () => ({
		sent: (await readings(publisher)).find((each) => each.kind === "publication").framesSent,
		decoded: await Promise.all(pages.map(async (page) => (await readings(page))[0].framesDecoded)),
	});
	const before = await read();
	await sleep(SECONDS * 1000);
	const after = await read();
	const sent = after.sent - before.sent;
	const shares = after.decoded.map((each, i) => (each - before.decoded[i]) / sent);
	const producers = await relay.show("producers");
	const consumers = await relay.show("consumers");
	note(`published ${sent} frames, decoded ${shares.map((each) => `${(each * 100).toFixed(1)} %`).join(", ")}`);
	note(`relay asked for ${sum(producers, "nacked")}, recovered ${sum(producers, "recovered")}; `
		+ `viewers asked for ${sum(consumers, "nacks")}, resent ${sum(consumers, "retransmitted")}`);
	check(sent > SECONDS * 10, `only ${sent} frames were published`);
	for (const share of shares)
		check(share >= 0.8, `a viewer decoded only ${(share * 100).toFixed(0)} %`);
	check(sum(producers, "recovered") > 0, "nothing was recovered from the publisher");
	check(sum(consumers, "retransmitted") > 0, "nothing was resent to viewers");
});
