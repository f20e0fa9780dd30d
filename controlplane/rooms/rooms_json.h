// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Everything the rooms thread says, as JSON. Replies are {"jsonrpc":"2.0","id":...,"result":{...}}
// or "error":{"code":n,"message":"sentence","data":{"name":"room_full"}}; events are notifications.
//
// Results
//   hello              {userId, connectionId, resumeToken, resumed, iceServers: [], limits, server}
//                      limits: {maxPublishers, maxStreamsPerPublisher, maxSubscriptions, resumeMs}
//                      server: {name, version, dataplane: bool}
//   room.create, room.join  a snapshot:
//                      {roomId, type, ownerId|null, role, maxPublishers, viewerCount,
//                       publishers: [{userId, streams: [stream]}] oldest first,
//                       requests: [{userId}] owner only}
//                      stream: {streamId, paused, interrupted, tracks: [{kind, codec}], playlist
//                      in p2m}; without "server": on the server of this connection
//                      joining a room one is in answers its snapshot again
//   room.viewers       {viewers: [{userId}], cursor|absent}
//   stream.publish     {streamId, sdp, playlist in p2m}
//   stream.subscribe   {subscriptionId, sdp}
//   ice.restart        {sdp}
//   all others         {}
//
// Parameters beyond signaling.md
//   room.join          role?: "publisher" | "viewer" (default)
//   ice.candidate      subscriptionId, or streamId with roomId?; candidate
//   ice.restart        subscriptionId, or streamId with roomId?; sdp
//
// Events
//   room.publisher_joined  {roomId, userId}
//   room.publisher_left    {roomId, userId, reason}
//   room.owner_changed     {roomId, ownerId|null}
//   room.viewer_count      {roomId, count}
//   room.closed            {roomId, reason}
//   room.kicked            {roomId, by: absent when by the operator, reason}
//   stream.published       {roomId, publisherId, streamId, paused, interrupted, tracks, playlist
//                          in p2m}
//   stream.updated         {roomId, publisherId, streamId, paused, interrupted}
//   stream.interrupted     {roomId, publisherId, streamId, reason}
//   stream.unpublished     {roomId, publisherId, streamId, reason}
//   subscription.closed    {subscriptionId, reason}
//   publish.requested, publish.withdrawn  {roomId, userId} to the owner
//   publish.granted        {roomId} to the viewer
//   publish.rejected       {roomId, reason} to the viewer
//   signal                 {roomId, from, data} to the other of a call
//
// Reasons: "left", "lost" (connection not resumed), "kicked", "unpublished", "consent_lost",
// "closed" (the peer closed DTLS), "failed" (never connected), "relay_restarted", "replaced" (by a
// newer session or publication of the same user), "stream_ended", "no_publisher", "no_media",
// "peer_left" (of a call).
