package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;

/** The meaning of one key of a step. */
@FunctionalInterface
interface StepKind {

    /**
     * @param value of the key
     * @param place where the value stands
     * @param steps for the steps inside
     */
    NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException;
}
