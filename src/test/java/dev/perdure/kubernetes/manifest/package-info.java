/** Manifests and the workflows that they mean. */
@NullMarked
package dev.perdure.kubernetes.manifest;

import org.jspecify.annotations.NullMarked;
