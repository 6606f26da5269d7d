package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.fabric8.generator.annotation.ValidationRule;

/** The spec of a DurableWorkflow. What is run, and as whom, cannot be changed. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
        value = "self.worker == oldSelf.worker && self.role == oldSelf.role"
                + " && has(self.database) == has(oldSelf.database)"
                + " && (!has(self.database) || self.database == oldSelf.database)"
                + " && has(self.label) == has(oldSelf.label) && (!has(self.label) || self.label == oldSelf.label)",
        message = "worker, role, database and label are immutable; create another DurableWorkflow")
@ValidationRule(
        value = "has(self.vars) == has(oldSelf.vars) && (!has(self.vars) || self.vars == oldSelf.vars)",
        message = "vars is immutable; create another DurableWorkflow")
@ValidationRule(
        value = "has(self.queue) == has(oldSelf.queue) && (!has(self.queue) || self.queue == oldSelf.queue)",
        message = "queue is immutable; create another DurableWorkflow")
@ValidationRule(
        value = "has(self.steps) == has(oldSelf.steps) && (!has(self.steps) || self.steps == oldSelf.steps)"
                + " && has(self.expression) == has(oldSelf.expression)"
                + " && (!has(self.expression) || self.expression == oldSelf.expression)"
                + " && has(self.definition) == has(oldSelf.definition)"
                + " && (!has(self.definition) || self.definition == oldSelf.definition)",
        message = "steps, expression and definition are immutable; create another DurableWorkflow")
@ValidationRule(
        value = "!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)",
        message = "cancel cannot be taken back; create another DurableWorkflow")
public class DurableWorkflowSpec extends WorkflowTemplateSpec {}
