/**
 * The Service that leads to the leader: its address in an EndpointSlice of Kubernetes. A convenience for people and load
 * balancers; nothing in the worker relies on it.
 */
@NullMarked
package dev.perdure.kubernetes.service;

import org.jspecify.annotations.NullMarked;
