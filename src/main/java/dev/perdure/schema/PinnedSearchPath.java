package dev.perdure.schema;

import java.sql.SQLException;
import java.sql.Statement;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.callback.Callback;
import org.flywaydb.core.api.callback.Context;
import org.flywaydb.core.api.callback.Event;

/** Before each file: nothing that others created, or that the role's own settings name, can be meant by a name in it. */
final class PinnedSearchPath implements Callback {

    @Override
    public boolean supports(Event event, Context context) {
        return event == Event.BEFORE_EACH_MIGRATE;
    }

    @Override
    public boolean canHandleInTransaction(Event event, Context context) {
        return true;
    }

    @Override
    public void handle(Event event, Context context) {
        try (Statement statement = context.getConnection().createStatement()) {
            statement.execute("SET search_path = pg_catalog, pg_temp");
        } catch (SQLException e) {
            throw new FlywayException("Cannot pin search_path", e);
        }
    }

    @Override
    public String getCallbackName() {
        return "pinned search_path";
    }
}
