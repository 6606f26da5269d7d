/**
 * From the steps of a manifest to the JSON of a workflow's nodes, character by character as the builders in SQL print the same workflow.
 * Pure: no API server, no database.
 */
@NullMarked
package dev.perdure.kubernetes.manifest;

import org.jspecify.annotations.NullMarked;
