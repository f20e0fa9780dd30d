// SPDX-License-Identifier: BSD-3-Clause
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { check, env, note, openPeer, pictures, publish, relay, scenario, unpublish, until, watch } from "./scenario.mjs";

const CYCLES = 200;

// Threads' worth of a process: descriptors and resident memory in MiB.
function processOf(pid) {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	return {
		descriptors: readdirSync(`/proc/${pid}/fd`).length,
		memory: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
	};
}

// Main processes of the browsers in the clients' namespace (the others have a --type).
function browsers() {
	return execFileSync("ip", ["netns", "pids", env.E2E_NETNS], { encoding: "utf8" }).trim().split("\n")
		.filter((pid) => {
			try {
				const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
				return line.includes("--user-data-dir") && !line.includes("--type=");
			} catch {
				return false; // gone meanwhile
			}
		});
}

const look = async () => ({
	control: processOf(env.E2E_CONTROL_PID),
	dataplane: processOf(env.E2E_DATAPLANE_PID),
	mbufs: (await relay.show("workers"))[0].mbufs_used,
	transports: (await relay.show("transports")).length,
});

async function cycles(page, n) {
	for (let i = 0; i < n; i++) {
		await publish(page, "camera");
		await unpublish(page, "camera");
	}
	await until("transports are gone", async () => (await relay.show("transports")).length === 0, 10_000);
}

await scenario(async ({ launch }) => {
	const victim = await openPeer(await launch(), "alice", "life");
	const doomed = browsers();
	await publish(victim, "camera", { create: true });
	const watcher = await openPeer(await launch(), "bob", "life");
	await watch(watcher, "alice", "camera");
	await pictures(watcher, 1);
	const began = Date.now();
	check(doomed.length > 0, "the publisher's browser was not found");
	doomed.forEach((pid) => process.kill(Number(pid), "SIGKILL"));
	await until("transports of the killed browser are gone",
		async () => (await relay.show("transports")).length === 0, 31_000, 250);
	note(`transports of a killed browser were gone after ${((Date.now() - began) / 1000).toFixed(1)} s`);

	const page = await openPeer(await launch(), "carol", "cycles");
	await page.evaluate(() => window.peer.client.createRoom("m2m", "cycles"));
	await cycles(page, 20); // caches and pools fill
	const before = await look();
	await cycles(page, CYCLES);
	const after = await look();
	note(`${CYCLES} publications: descriptors ${before.control.descriptors} -> ${after.control.descriptors}, `
		+ `control ${before.control.memory.toFixed(1)} -> ${after.control.memory.toFixed(1)} MiB, `
		+ `dataplane ${before.dataplane.memory.toFixed(1)} -> ${after.dataplane.memory.toFixed(1)} MiB, `
		+ `packet buffers ${before.mbufs} -> ${after.mbufs}`);
	check(after.control.descriptors <= before.control.descriptors + 2, "descriptors grew");
	check(after.dataplane.descriptors <= before.dataplane.descriptors + 2, "descriptors of the dataplane grew");
	check(after.control.memory < before.control.memory + 8, "memory of plenum-control grew");
	check(after.dataplane.memory < before.dataplane.memory + 8, "memory of the dataplane grew");
	check(after.mbufs <= before.mbufs + 300, "packet buffers were kept");
});
