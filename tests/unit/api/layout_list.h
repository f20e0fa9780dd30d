// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Every struct of plm_api.h and every field of it, for the golden layout. A field that is missing
// here shows as a gap in the listing, which the test refuses.
// LAYOUT(STRUCT, FIELD): STRUCT(name) opens a struct, FIELD(struct, field) follows.

#define LAYOUT(STRUCT, FIELD)                                                                      \
	STRUCT(plm_api_header)                                                                     \
	FIELD(plm_api_header, type)                                                                \
	FIELD(plm_api_header, flags)                                                               \
	FIELD(plm_api_header, seq)                                                                 \
	FIELD(plm_api_header, status)                                                              \
	FIELD(plm_api_header, length)                                                              \
	STRUCT(plm_addr)                                                                           \
	FIELD(plm_addr, family)                                                                    \
	FIELD(plm_addr, pad)                                                                       \
	FIELD(plm_addr, port)                                                                      \
	FIELD(plm_addr, ip)                                                                        \
	STRUCT(plm_ext_map)                                                                        \
	FIELD(plm_ext_map, ids)                                                                    \
	STRUCT(plm_ice_credentials)                                                                \
	FIELD(plm_ice_credentials, local_ufrag)                                                    \
	FIELD(plm_ice_credentials, local_pwd)                                                      \
	FIELD(plm_ice_credentials, remote_ufrag)                                                   \
	FIELD(plm_ice_credentials, remote_pwd)                                                     \
	STRUCT(plm_srtp_key)                                                                       \
	FIELD(plm_srtp_key, bytes)                                                                 \
	STRUCT(plm_empty)                                                                          \
	FIELD(plm_empty, nothing)                                                                  \
	STRUCT(plm_id)                                                                             \
	FIELD(plm_id, id)                                                                          \
	STRUCT(plm_list)                                                                           \
	FIELD(plm_list, id)                                                                        \
	STRUCT(plm_hello_req)                                                                      \
	FIELD(plm_hello_req, magic)                                                                \
	FIELD(plm_hello_req, version)                                                              \
	FIELD(plm_hello_req, role)                                                                 \
	FIELD(plm_hello_req, punt_channel)                                                         \
	FIELD(plm_hello_req, pad)                                                                  \
	FIELD(plm_hello_req, name)                                                                 \
	STRUCT(plm_hello_rep)                                                                      \
	FIELD(plm_hello_rep, version)                                                              \
	FIELD(plm_hello_rep, n_workers)                                                            \
	FIELD(plm_hello_rep, public_port)                                                          \
	FIELD(plm_hello_rep, agent_port_min)                                                       \
	FIELD(plm_hello_rep, agent_port_max)                                                       \
	FIELD(plm_hello_rep, n_addrs)                                                              \
	FIELD(plm_hello_rep, pad)                                                                  \
	FIELD(plm_hello_rep, boot_id)                                                              \
	FIELD(plm_hello_rep, max_transports)                                                       \
	FIELD(plm_hello_rep, max_producers)                                                        \
	FIELD(plm_hello_rep, max_consumers)                                                        \
	FIELD(plm_hello_rep, max_paths)                                                            \
	FIELD(plm_hello_rep, addrs)                                                                \
	FIELD(plm_hello_rep, version_text)                                                         \
	STRUCT(plm_transport_add)                                                                  \
	FIELD(plm_transport_add, id)                                                               \
	FIELD(plm_transport_add, agent_port_v4)                                                    \
	FIELD(plm_transport_add, agent_port_v6)                                                    \
	FIELD(plm_transport_add, punt_channel)                                                     \
	FIELD(plm_transport_add, pad)                                                              \
	FIELD(plm_transport_add, ice)                                                              \
	STRUCT(plm_transport_restart)                                                              \
	FIELD(plm_transport_restart, id)                                                           \
	FIELD(plm_transport_restart, agent_port_v4)                                                \
	FIELD(plm_transport_restart, agent_port_v6)                                                \
	FIELD(plm_transport_restart, pad)                                                          \
	FIELD(plm_transport_restart, ice)                                                          \
	STRUCT(plm_transport_secure)                                                               \
	FIELD(plm_transport_secure, id)                                                            \
	FIELD(plm_transport_secure, suite)                                                         \
	FIELD(plm_transport_secure, pad)                                                           \
	FIELD(plm_transport_secure, rx)                                                            \
	FIELD(plm_transport_secure, tx)                                                            \
	STRUCT(plm_transport_info)                                                                 \
	FIELD(plm_transport_info, id)                                                              \
	FIELD(plm_transport_info, state)                                                           \
	FIELD(plm_transport_info, worker)                                                          \
	FIELD(plm_transport_info, n_paths)                                                         \
	FIELD(plm_transport_info, generations)                                                     \
	FIELD(plm_transport_info, suite)                                                           \
	FIELD(plm_transport_info, n_producers)                                                     \
	FIELD(plm_transport_info, n_consumers)                                                     \
	FIELD(plm_transport_info, rtt_us)                                                          \
	FIELD(plm_transport_info, consent_age_ms)                                                  \
	FIELD(plm_transport_info, age_ms)                                                          \
	FIELD(plm_transport_info, remote)                                                          \
	FIELD(plm_transport_info, pad)                                                             \
	FIELD(plm_transport_info, rx_packets)                                                      \
	FIELD(plm_transport_info, rx_bytes)                                                        \
	FIELD(plm_transport_info, tx_packets)                                                      \
	FIELD(plm_transport_info, tx_bytes)                                                        \
	FIELD(plm_transport_info, rx_dropped)                                                      \
	FIELD(plm_transport_info, tx_dropped)                                                      \
	FIELD(plm_transport_info, path_changes)                                                    \
	FIELD(plm_transport_info, stun_requests)                                                   \
	FIELD(plm_transport_info, consent_sent)                                                    \
	FIELD(plm_transport_info, consent_received)                                                \
	STRUCT(plm_producer_add)                                                                   \
	FIELD(plm_producer_add, id)                                                                \
	FIELD(plm_producer_add, transport_id)                                                      \
	FIELD(plm_producer_add, ssrc)                                                              \
	FIELD(plm_producer_add, clock_rate)                                                        \
	FIELD(plm_producer_add, kind)                                                              \
	FIELD(plm_producer_add, codec)                                                             \
	FIELD(plm_producer_add, payload_type)                                                      \
	FIELD(plm_producer_add, nack)                                                              \
	FIELD(plm_producer_add, pli)                                                               \
	FIELD(plm_producer_add, fir)                                                               \
	FIELD(plm_producer_add, remb)                                                              \
	FIELD(plm_producer_add, pad)                                                               \
	FIELD(plm_producer_add, max_bitrate)                                                       \
	FIELD(plm_producer_add, pad2)                                                              \
	FIELD(plm_producer_add, mid)                                                               \
	FIELD(plm_producer_add, ext)                                                               \
	STRUCT(plm_producer_info)                                                                  \
	FIELD(plm_producer_info, id)                                                               \
	FIELD(plm_producer_info, transport_id)                                                     \
	FIELD(plm_producer_info, ssrc)                                                             \
	FIELD(plm_producer_info, clock_rate)                                                       \
	FIELD(plm_producer_info, kind)                                                             \
	FIELD(plm_producer_info, codec)                                                            \
	FIELD(plm_producer_info, payload_type)                                                     \
	FIELD(plm_producer_info, worker)                                                           \
	FIELD(plm_producer_info, n_consumers)                                                      \
	FIELD(plm_producer_info, packets)                                                          \
	FIELD(plm_producer_info, bytes)                                                            \
	FIELD(plm_producer_info, lost)                                                             \
	FIELD(plm_producer_info, nacked)                                                           \
	FIELD(plm_producer_info, recovered)                                                        \
	FIELD(plm_producer_info, duplicates)                                                       \
	FIELD(plm_producer_info, keyframes)                                                        \
	FIELD(plm_producer_info, keyframe_requests)                                                \
	FIELD(plm_producer_info, keyframe_asked)                                                   \
	FIELD(plm_producer_info, jitter)                                                           \
	FIELD(plm_producer_info, bitrate)                                                          \
	FIELD(plm_producer_info, packet_rate)                                                      \
	FIELD(plm_producer_info, audio_level)                                                      \
	STRUCT(plm_consumer_add)                                                                   \
	FIELD(plm_consumer_add, id)                                                                \
	FIELD(plm_consumer_add, transport_id)                                                      \
	FIELD(plm_consumer_add, producer_id)                                                       \
	FIELD(plm_consumer_add, ssrc)                                                              \
	FIELD(plm_consumer_add, payload_type)                                                      \
	FIELD(plm_consumer_add, nack)                                                              \
	FIELD(plm_consumer_add, paused)                                                            \
	FIELD(plm_consumer_add, pad)                                                               \
	FIELD(plm_consumer_add, mid)                                                               \
	FIELD(plm_consumer_add, cname)                                                             \
	FIELD(plm_consumer_add, ext)                                                               \
	STRUCT(plm_consumer_set)                                                                   \
	FIELD(plm_consumer_set, id)                                                                \
	FIELD(plm_consumer_set, paused)                                                            \
	FIELD(plm_consumer_set, pad)                                                               \
	STRUCT(plm_consumer_info)                                                                  \
	FIELD(plm_consumer_info, id)                                                               \
	FIELD(plm_consumer_info, transport_id)                                                     \
	FIELD(plm_consumer_info, producer_id)                                                      \
	FIELD(plm_consumer_info, ssrc)                                                             \
	FIELD(plm_consumer_info, payload_type)                                                     \
	FIELD(plm_consumer_info, worker)                                                           \
	FIELD(plm_consumer_info, kind)                                                             \
	FIELD(plm_consumer_info, paused)                                                           \
	FIELD(plm_consumer_info, packets)                                                          \
	FIELD(plm_consumer_info, bytes)                                                            \
	FIELD(plm_consumer_info, dropped)                                                          \
	FIELD(plm_consumer_info, retransmitted)                                                    \
	FIELD(plm_consumer_info, nacks)                                                            \
	FIELD(plm_consumer_info, nack_misses)                                                      \
	FIELD(plm_consumer_info, plis)                                                             \
	FIELD(plm_consumer_info, rtt_us)                                                           \
	FIELD(plm_consumer_info, jitter)                                                           \
	FIELD(plm_consumer_info, lost)                                                             \
	FIELD(plm_consumer_info, fraction_lost)                                                    \
	FIELD(plm_consumer_info, waiting_keyframe)                                                 \
	FIELD(plm_consumer_info, pad)                                                              \
	STRUCT(plm_stage_info)                                                                     \
	FIELD(plm_stage_info, calls)                                                               \
	FIELD(plm_stage_info, packets)                                                             \
	FIELD(plm_stage_info, cycles)                                                              \
	STRUCT(plm_worker_info)                                                                    \
	FIELD(plm_worker_info, index)                                                              \
	FIELD(plm_worker_info, lcore)                                                              \
	FIELD(plm_worker_info, n_transports)                                                       \
	FIELD(plm_worker_info, n_producers)                                                        \
	FIELD(plm_worker_info, n_consumers)                                                        \
	FIELD(plm_worker_info, load_permille)                                                      \
	FIELD(plm_worker_info, tsc_hz)                                                             \
	FIELD(plm_worker_info, loops)                                                              \
	FIELD(plm_worker_info, busy_cycles)                                                        \
	FIELD(plm_worker_info, sleeps)                                                             \
	FIELD(plm_worker_info, rx_packets)                                                         \
	FIELD(plm_worker_info, tx_packets)                                                         \
	FIELD(plm_worker_info, handed_over)                                                        \
	FIELD(plm_worker_info, fanned_out)                                                         \
	FIELD(plm_worker_info, mbufs_free)                                                         \
	FIELD(plm_worker_info, mbufs_used)                                                         \
	FIELD(plm_worker_info, stages)                                                             \
	STRUCT(plm_port_info)                                                                      \
	FIELD(plm_port_info, index)                                                                \
	FIELD(plm_port_info, n_rx_queues)                                                          \
	FIELD(plm_port_info, n_tx_queues)                                                          \
	FIELD(plm_port_info, mac)                                                                  \
	FIELD(plm_port_info, link_up)                                                              \
	FIELD(plm_port_info, pad)                                                                  \
	FIELD(plm_port_info, link_mbps)                                                            \
	FIELD(plm_port_info, mtu)                                                                  \
	FIELD(plm_port_info, rx_packets)                                                           \
	FIELD(plm_port_info, rx_bytes)                                                             \
	FIELD(plm_port_info, rx_missed)                                                            \
	FIELD(plm_port_info, rx_errors)                                                            \
	FIELD(plm_port_info, rx_nombuf)                                                            \
	FIELD(plm_port_info, tx_packets)                                                           \
	FIELD(plm_port_info, tx_bytes)                                                             \
	FIELD(plm_port_info, tx_errors)                                                            \
	FIELD(plm_port_info, tap_rx_packets)                                                       \
	FIELD(plm_port_info, tap_tx_packets)                                                       \
	FIELD(plm_port_info, name)                                                                 \
	FIELD(plm_port_info, driver)                                                               \
	FIELD(plm_port_info, tap)                                                                  \
	STRUCT(plm_drop_info)                                                                      \
	FIELD(plm_drop_info, reason)                                                               \
	FIELD(plm_drop_info, worker)                                                               \
	FIELD(plm_drop_info, packets)                                                              \
	FIELD(plm_drop_info, name)                                                                 \
	FIELD(plm_drop_info, help)                                                                 \
	STRUCT(plm_trace_set)                                                                      \
	FIELD(plm_trace_set, transport_id)                                                         \
	FIELD(plm_trace_set, packets)                                                              \
	FIELD(plm_trace_set, pad)                                                                  \
	STRUCT(plm_trace_entry)                                                                    \
	FIELD(plm_trace_entry, at_ns)                                                              \
	FIELD(plm_trace_entry, transport_id)                                                       \
	FIELD(plm_trace_entry, worker)                                                             \
	FIELD(plm_trace_entry, length)                                                             \
	FIELD(plm_trace_entry, remote)                                                             \
	FIELD(plm_trace_entry, stage)                                                              \
	FIELD(plm_trace_entry, verdict)                                                            \
	FIELD(plm_trace_entry, drop_reason)                                                        \
	FIELD(plm_trace_entry, ssrc)                                                               \
	FIELD(plm_trace_entry, seq)                                                                \
	FIELD(plm_trace_entry, payload_type)                                                       \
	FIELD(plm_trace_entry, kind)                                                               \
	FIELD(plm_trace_entry, fanout)                                                             \
	FIELD(plm_trace_entry, pad)                                                                \
	STRUCT(plm_dtls_record)                                                                    \
	FIELD(plm_dtls_record, transport_id)                                                       \
	FIELD(plm_dtls_record, len)                                                                \
	FIELD(plm_dtls_record, pad)                                                                \
	FIELD(plm_dtls_record, data)                                                               \
	STRUCT(plm_event_transport)                                                                \
	FIELD(plm_event_transport, id)                                                             \
	FIELD(plm_event_transport, event)                                                          \
	FIELD(plm_event_transport, generation)                                                     \
	FIELD(plm_event_transport, remote)                                                         \
	FIELD(plm_event_transport, pad)                                                            \
	STRUCT(plm_event_producer)                                                                 \
	FIELD(plm_event_producer, id)                                                              \
	FIELD(plm_event_producer, event)                                                           \
	FIELD(plm_event_producer, ssrc)
