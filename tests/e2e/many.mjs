// SPDX-License-Identifier: BSD-3-Clause
import { execFileSync } from "node:child_process";
import { sleep } from "./helpers.mjs";
import { check, env, note, openPeer, pictures, publish, readings, relay, scenario, until, watch } from "./scenario.mjs";
import { sum } from "../../tools/demo/relay.mjs";

const PRIVATE = [20000, 29999]; // agent_ports of the appliance

// UDP sockets of the appliance's namespace on agents' ports.
function agentSockets() {
	const found = [];
	for (const file of ["udp", "udp6"]) {
		const text = execFileSync("ip", ["netns", "exec", env.E2E_RELAY_NETNS, "cat", `/proc/net/${file}`], { encoding: "utf8" });
		for (const line of text.trim().split("\n").slice(1)) {
			const port = Number.parseInt(line.trim().split(/\s+/)[1].split(":").at(-1), 16);
			if (port >= PRIVATE[0] && port <= PRIVATE[1])
				found.push(port);
		}
	}
	return found;
}

// UDP datagrams that reached a socket or missed one, in the appliance's namespace.
function kernelDatagrams() {
	const read = (file) => execFileSync("ip", ["netns", "exec", env.E2E_RELAY_NETNS, "cat", file], { encoding: "utf8" });
	const [names, values] = read("/proc/net/snmp").split("\n").filter((line) => line.startsWith("Udp:"))
		.map((line) => line.split(" "));
	const v4 = ["InDatagrams", "NoPorts"].reduce((total, name) => total + Number(values[names.indexOf(name)]), 0);
	const v6 = [...read("/proc/net/snmp6").matchAll(/^Udp6(?:InDatagrams|NoPorts)\s+(\d+)$/gm)];
	return v6.reduce((total, [, n]) => total + Number(n), v4);
}

await scenario(async ({ launch }) => {
	const browsers = [await launch(), await launch()];
	const users = ["alice", "bob"];
	const pages = await Promise.all(browsers.map((each, i) => openPeer(each, users[i], "many")));
	await publish(pages[0], "s0", { create: true });
	await publish(pages[1], "s0");
	// Each page: two publications and three subscriptions, begun at once.
	await Promise.all(pages.map((page) => publish(page, "s1")));
	await Promise.all(pages.flatMap((page, i) => [
		watch(page, users[1 - i], "s0"), watch(page, users[1 - i], "s1"), watch(page, users[i], "s0"),
	]));
	await Promise.all(pages.map((page) => pictures(page, 3, 30_000)));
	const transports = await relay.show("transports");
	check(transports.length === 10, `${transports.length} transports, not 10`);
	check(transports.every((each) => each.state === "secure"), "not all are secure");
	await until("no agent's socket is left in plenum-control", () => agentSockets().length === 0, 10_000);
	note("10 connections of 2 browsers by one port, no agent's socket left");

	// Media flows, and none of it reaches a kernel socket.
	const packets = async () => sum(await relay.show("producers"), "packets");
	const [datagrams, media] = [kernelDatagrams(), await packets()];
	await sleep(3000);
	const [moreDatagrams, moreMedia] = [kernelDatagrams() - datagrams, await packets() - media];
	note(`3 s: ${moreMedia} media packets, ${moreDatagrams} datagrams at kernel sockets`);
	check(moreMedia > 300, "there is no media");
	check(moreDatagrams === 0, `${moreDatagrams} datagrams reached the kernel's UDP`);

	// ICE restart of a publication and of a subscription: pictures go on, no new transport.
	await pages[0].evaluate(() => window.peer.sessions.s0.session.restartIce());
	await pages[1].evaluate(() => window.peer.sessions["alice/s0"].session.restartIce());
	await until("restarts are complete", async () => (await relay.show("transports")).every((each) => each.generations === 1));
	const before = await readings(pages[1]);
	await sleep(3000);
	const after = await readings(pages[1]);
	for (const each of after.filter(({ kind }) => kind === "subscription")) {
		const earlier = before.find((other) => other.kind === each.kind && other.userId === each.userId && other.streamId === each.streamId);
		check(each.framesDecoded > earlier.framesDecoded + 10, `${each.userId}/${each.streamId} stands still after the restart`);
	}
	const now = await relay.show("transports");
	check(now.length === 10, `${now.length} transports after the restarts`);
	check(now.some((each) => each.path_changes > 1), "no path changed: nothing was restarted");
});
