// SPDX-License-Identifier: BSD-3-Clause

// The end of the loop: what was gathered is encrypted and given to the port.

#include "../output.h"
#include "stages.h"

unsigned stage_egress(struct worker *worker) {
	unsigned n = worker->egress.n_rtp + worker->egress.n_rtcp + worker->egress.n_tx;

	if (n > 0 || worker->egress.n_held > 0)
		output_protect(worker);
	if (worker->egress.n_tx > 0)
		output_transmit(worker);
	return n;
}
