// SPDX-License-Identifier: BSD-3-Clause
// From RTCStatsReport to the few numbers people look at: a report and the reading before it in, a
// reading out.

function byType(report) {
	const found = { video: {}, audio: {}, remoteVideo: {}, remoteAudio: {}, pair: null };
	let transport = null;
	const pairs = new Map();
	report.forEach((entry) => {
		const kind = entry.kind ?? entry.mediaType;
		switch (entry.type) {
		case "inbound-rtp":
		case "outbound-rtp":
			found[kind] = entry;
			break;
		case "remote-inbound-rtp":
			found[kind === "video" ? "remoteVideo" : "remoteAudio"] = entry;
			break;
		case "transport":
			transport = entry;
			break;
		case "candidate-pair":
			pairs.set(entry.id, entry);
			break;
		}
	});
	found.pair = pairs.get(transport?.selectedCandidatePairId)
		?? [...pairs.values()].find((pair) => pair.nominated && pair.state === "succeeded");
	return found;
}

// A counter's growth since the last reading; a counter that went back was a new connection.
const growth = (now, before) => Math.max(0, (now ?? 0) - (before ?? 0));

// When the counters were read, on the clock of performance.now(): the answer may come late.
const readAt = (...entries) => {
	const read = entries.find((entry) => entry.timestamp !== undefined);
	return read ? read.timestamp - performance.timeOrigin : performance.now();
};

function rates(reading, before, counted) {
	const seconds = before ? (reading.at - before.at) / 1000 : 0;
	reading.seconds = seconds;
	// Browsers answer two questions in quick succession with the same report.
	reading.bitrate = seconds > 0
		? (growth(reading.bytes, before.bytes) * 8) / seconds
		: before?.bitrate ?? 0;
	if (reading.fps === undefined)
		reading.fps = seconds > 0 ? growth(reading[counted], before[counted]) / seconds : 0;
	return reading;
}

// The publisher's side. loss is a fraction (0..1) as the relay reported it.
export function readPublication(report, before) {
	const { video, audio, remoteVideo, remoteAudio, pair } = byType(report);
	const rtt = remoteVideo.roundTripTime ?? remoteAudio.roundTripTime ?? pair?.currentRoundTripTime;
	return rates({
		at: readAt(video, audio),
		width: video.frameWidth ?? 0,
		height: video.frameHeight ?? 0,
		fps: video.framesPerSecond,
		framesEncoded: video.framesEncoded ?? 0,
		framesSent: video.framesSent ?? 0,
		keyFramesEncoded: video.keyFramesEncoded ?? 0,
		bytes: (video.bytesSent ?? 0) + (audio.bytesSent ?? 0),
		packetsSent: (video.packetsSent ?? 0) + (audio.packetsSent ?? 0),
		loss: remoteVideo.fractionLost ?? remoteAudio.fractionLost ?? 0,
		rttMs: rtt === undefined ? null : rtt * 1000,
		nackCount: video.nackCount ?? 0,
		pliCount: video.pliCount ?? 0,
		firCount: video.firCount ?? 0,
		qualityLimitation: video.qualityLimitationReason ?? null,
		targetBitrate: video.targetBitrate ?? null,
	}, before, "framesEncoded");
}

// The viewer's side. loss is the fraction of packets lost since the reading before.
export function readSubscription(report, before) {
	const { video, audio, pair } = byType(report);
	const reading = rates({
		at: readAt(video, audio),
		width: video.frameWidth ?? 0,
		height: video.frameHeight ?? 0,
		fps: video.framesPerSecond,
		framesReceived: video.framesReceived ?? 0,
		framesDecoded: video.framesDecoded ?? 0,
		framesDropped: video.framesDropped ?? 0,
		keyFramesDecoded: video.keyFramesDecoded ?? 0,
		freezeCount: video.freezeCount ?? 0,
		freezeSeconds: video.totalFreezesDuration ?? 0,
		bytes: (video.bytesReceived ?? 0) + (audio.bytesReceived ?? 0),
		packetsReceived: (video.packetsReceived ?? 0) + (audio.packetsReceived ?? 0),
		packetsLost: (video.packetsLost ?? 0) + (audio.packetsLost ?? 0),
		videoPacketsReceived: video.packetsReceived ?? 0,
		videoPacketsLost: video.packetsLost ?? 0,
		audioPacketsReceived: audio.packetsReceived ?? 0,
		audioPacketsLost: audio.packetsLost ?? 0,
		jitterMs: (video.jitter ?? audio.jitter ?? 0) * 1000,
		rttMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
		nackCount: video.nackCount ?? 0,
		pliCount: video.pliCount ?? 0,
		audioSamples: audio.totalSamplesReceived ?? 0,
		concealedSamples: audio.concealedSamples ?? 0,
		silentConcealedSamples: audio.silentConcealedSamples ?? 0,
		concealmentEvents: audio.concealmentEvents ?? 0,
		audioLevel: audio.audioLevel ?? null,
		audioEnergy: audio.totalAudioEnergy ?? 0,
	}, before, "framesDecoded");
	const lost = growth(reading.packetsLost, before?.packetsLost);
	const got = growth(reading.packetsReceived, before?.packetsReceived);
	reading.loss = lost + got > 0 ? lost / (lost + got) : 0;
	// Sound that was made up since the last reading, as a fraction of what was played.
	const played = growth(reading.audioSamples, before?.audioSamples);
	reading.concealment = played > 0
		? growth(reading.concealedSamples, before?.concealedSamples) / played
		: 0;
	return reading;
}
