/** What is delivered besides the program: manifests, the Helm chart, the dashboard. */
@NullMarked
package dev.perdure.deploy;

import org.jspecify.annotations.NullMarked;
