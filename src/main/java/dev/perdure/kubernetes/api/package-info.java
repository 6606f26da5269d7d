/**
 * The custom resources of the group {@code perdure.dev}, and nothing else: fields, their descriptions, and the rules that the
 * API server checks. The files in {@code k8s/crds} are generated from it.
 */
@NullMarked
package dev.perdure.kubernetes.api;

import org.jspecify.annotations.NullMarked;
