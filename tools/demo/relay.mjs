// SPDX-License-Identifier: BSD-3-Clause
// What the relay itself says: plenumctl of an appliance in a network namespace, as JSON.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

// netns, socket, plenumctl: of the appliance (tools/demo/lib.sh).
export class Relay {
	constructor({ netns, socket, plenumctl }) {
		this.netns = netns;
		this.socket = socket;
		this.plenumctl = plenumctl;
	}

	// what: transports, producers, consumers, workers, drops, ports. An array of objects.
	async show(what) {
		const { stdout } = await run("ip", ["netns", "exec", this.netns, this.plenumctl,
			"-s", this.socket, "-j", "show", what], { maxBuffer: 1 << 26 });
		const answer = JSON.parse(stdout);
		return Array.isArray(answer) ? answer : answer[what];
	}

	// Sums of drops by name, without those that are zero.
	async drops() {
		const sums = {};
		for (const { name, packets } of await this.show("drops")) {
			if (packets > 0)
				sums[name] = (sums[name] ?? 0) + packets;
		}
		return sums;
	}
}

// Reasons that mean media was lost inside the relay: everything else is somebody else's bad packet,
// or no loss at all.
export const INSIDE = [
	"handover_full", "fanout_full", "no_mbuf", "no_path", "tx_full", "srtp_failed", "transport_gone",
	"rtp_malformed", "rtcp_malformed",
];

export const sum = (list, key) => list.reduce((total, each) => total + each[key], 0);
