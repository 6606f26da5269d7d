package dev.perdure.ops;

import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.leader.LeaderStatus;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;

/** The elections in the data of a health check. */
final class Elections {

    private Elections() {}

    /**
     * Adds them: one as it is, several by the name of the database.
     *
     * @param since whether it is said when the role was taken
     */
    static HealthCheckResponseBuilder add(Databases databases, boolean since, HealthCheckResponseBuilder response) {
        for (ServedDatabase one : databases.all()) {
            LeaderStatus.View view = one.leader().view();
            String detail = one.status().forAnybody(view.detail());
            if (databases.areSeveral()) {
                response.withData(
                        one.name(), view.role().name() + (since ? " since " + view.since() : "") + ": " + detail);
            } else {
                response.withData("role", view.role().name());
                if (since) {
                    response.withData("since", view.since().toString());
                }
                response.withData("detail", detail);
            }
        }
        return response;
    }
}
