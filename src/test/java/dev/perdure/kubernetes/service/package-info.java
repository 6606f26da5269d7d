/** The Service of the leader. */
@NullMarked
package dev.perdure.kubernetes.service;

import org.jspecify.annotations.NullMarked;
