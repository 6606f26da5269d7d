package dev.perdure;

import dev.perdure.config.BuildInfo;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.embedded.EmbeddedServer;
import java.util.Optional;
import org.jboss.logging.Logger;

/** The greeting of a worker that was started by hand: its addresses and the next steps. */
final class Banner {

    private static final Logger LOG = Logger.getLogger(Banner.class);

    private static final String TEXT =
            """

              Perdure %1$s is ready. Connect as the role %2$s (no password):

                psql %3$s
                ./perdure sql                       (without psql)

              Start a workflow and look at it:

                SELECT df.start('SELECT 1 AS one' |=> 'first' ~> 'SELECT $first + 1 AS two', 'hello');
                SELECT instance_id, label, status, output FROM df.list_instances();
            """;

    private Banner() {}

    static void print(DatabaseUrl url, Optional<EmbeddedServer> embedded) {
        LOG.infof("Perdure %s is ready on %s", BuildInfo.read(), url);
        embedded.ifPresent(server -> System.out.println(
                TEXT.formatted(BuildInfo.read().version(), EmbeddedServer.PEOPLE, server.peopleUrl())));
    }
}
