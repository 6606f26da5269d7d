/**
 * From what a resource asks for to an instance in the database, during one term: who may run as whom, the submission as the
 * role, what the tables say afterwards. It starts and cancels instances through SQL, as anybody else does.
 */
@NullMarked
package dev.perdure.kubernetes.submit;

import org.jspecify.annotations.NullMarked;
