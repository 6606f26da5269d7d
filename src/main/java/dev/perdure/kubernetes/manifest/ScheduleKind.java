package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/** {@code schedule: {cron, timeZone}}, as {@code df.wait_for_schedule}. */
final class ScheduleKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "cron", "timeZone");
        String cron = fields.text("cron");
        if (!CronText.isValid(cron)) {
            throw fields.place("cron").invalid(CronText.problem(cron));
        }
        String zone = fields.optionalText("timeZone");
        String timezone = "";
        if (zone != null && !zone.equalsIgnoreCase("UTC")) {
            Optional<String> proper = ZoneText.properName(zone);
            if (proper.isEmpty()) {
                throw fields.place("timeZone").invalid(ZoneText.problem(zone));
            }
            timezone = ",\"timezone\":" + JsonText.quote(proper.get());
        }
        return NodeText.leaf("WAIT_SCHEDULE", "{\"cron_expr\":" + JsonText.quote(cron) + timezone + "}");
    }
}
