package dev.perdure;

import dev.perdure.fleet.Databases;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import jakarta.inject.Inject;
import org.jboss.logging.Logger;

/** The worker until it is told to end. What it does begins in {@link Startup}. */
public class Worker implements QuarkusApplication {

    private static final Logger LOG = Logger.getLogger(Worker.class);
    /** The exit code for a configuration that cannot work, as in sysexits.h. */
    static final int EX_CONFIG = 78;

    @Inject
    Databases databases;

    @Override
    public int run(String... arguments) {
        if (databases.problem().isPresent()) {
            LOG.error(databases.problem().get());
            return EX_CONFIG;
        }
        if (databases.all().isEmpty()) {
            LOG.error("No database is configured. Set perdure.database.url (PERDURE_DATABASE_URL), for example"
                    + " postgresql://df_worker@db:5432/app, or perdure.embedded=true to try Perdure with a PostgreSQL of"
                    + " its own");
            return EX_CONFIG;
        }
        Quarkus.waitForExit();
        return 0; // asyncExit, when it was called, has set another code
    }
}
