/**
 * The operator: reconciles the resources of {@code kubernetes.api} while this worker leads. It starts, watches and cancels
 * instances through SQL, as anybody else does; what a manifest means is said by {@code kubernetes.manifest}.
 */
@NullMarked
package dev.perdure.kubernetes;

import org.jspecify.annotations.NullMarked;
