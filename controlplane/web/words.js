// SPDX-License-Identifier: BSD-3-Clause
// What errors mean, in words for people: by the server's stable names and the browser's.

const WORDS = {
	// the server's
	unauthorized: "This server asks for an access token, and there was none or it is not valid. Put one in under “More”.",
	forbidden: "Your access token does not allow this.",
	unknown_room: "There is no such room yet. Check its name, or take part to create it.",
	room_full: "This room has as many publishers as it can take. You can still enter to watch.",
	unknown_stream: "That stream has ended.",
	kicked: "You were removed from this room.",
	not_publisher: "Only those who take part may publish here.",
	unsupported_codec: "The server and this browser have no common video or audio format.",
	unsupported_room_type: "This server does not offer rooms of that kind yet.",
	invalid_params: "Names may have up to 64 letters, digits and . _ @ - only.",
	connect_failed: "The media connection could not be made. A firewall may be blocking UDP.",
	rate_limited: "That was too fast. Wait a moment and try again.",
	busy: "The server is busy. Try again in a moment.",
	no_dataplane: "The server’s media part is not running. Try again in a moment.",

	// found out here
	signaling_down: "The server cannot be reached. Check your connection.",
	timeout: "The server did not answer in time.",
	replaced: "You entered this room from another tab or device.",
	insecure: "Browsers give access to the camera only on https pages and on localhost.",

	// the browser's, on opening camera and microphone
	NotAllowedError: "Camera or microphone access was denied. Allow it in the browser’s address bar, or show the test picture.",
	NotFoundError: "No camera or microphone was found. You can show the test picture.",
	NotReadableError: "The camera or microphone is in use by another program.",
	OverconstrainedError: "The camera cannot deliver a usable picture.",
};

// The server's and our own sentences say more than the general ones for these.
const OWN_SENTENCE = new Set(["kicked"]);

export function words(error) {
	if (OWN_SENTENCE.has(error.name) && error.message)
		return error.message;
	return WORDS[error.name] ?? error.message ?? String(error);
}
