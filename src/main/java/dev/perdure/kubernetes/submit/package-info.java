/**
 * From the spec of a resource to an instance in the database, during one term: the roles of a namespace, the submission as the role, the
 * state in the tables afterwards. It starts and cancels instances through SQL, as anybody else does.
 */
@NullMarked
package dev.perdure.kubernetes.submit;

import org.jspecify.annotations.NullMarked;
