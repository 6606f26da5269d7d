package dev.perdure.testing;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.exception.NotFoundException;
import java.io.File;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jboss.logging.Logger;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ContainerLaunchException;
import org.testcontainers.containers.wait.strategy.AbstractWaitStrategy;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * The tests' PostgreSQL in a container, where a Docker engine answers and has the image or can fetch it. Otherwise the log
 * says why not, and the embedded server takes its place.
 */
final class PostgresContainer {

    /** Where it listens. */
    record Address(String host, int port) {}

    private static final Logger LOG = Logger.getLogger(PostgresContainer.class);
    private static final String NONE = "none";
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private PostgresContainer() {}

    /** Starts it, if that is possible. */
    static Optional<Address> start() {
        String image = image();
        if (image.equals(NONE) || !isEngineConfigured()) {
            return Optional.empty();
        }
        try {
            if (!DockerClientFactory.instance().isDockerAvailable()) {
                return instead("no Docker engine answers");
            }
            fetch(image);
            return Optional.of(run(image));
        } catch (ContainerLaunchException | DockerException | IllegalStateException e) {
            return instead("the image " + image + " does not run: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return instead("interrupted");
        }
    }

    private static Optional<Address> instead(String why) {
        LOG.warnf("The tests use the embedded PostgreSQL and no container: %s", why);
        return Optional.empty();
    }

    /** Without these, looking for an engine would cost each run some seconds and a page of log. */
    private static boolean isEngineConfigured() {
        return System.getenv("DOCKER_HOST") != null || new File("/var/run/docker.sock").exists();
    }

    private static String image() {
        String configured = System.getProperty("postgres.image", "");
        String version = System.getProperty("postgres.binaries.version", "18.3.0");
        return configured.isBlank() ? "postgres:" + version.substring(0, version.indexOf('.')) : configured;
    }

    private static void fetch(String image) throws InterruptedException {
        DockerClient client = DockerClientFactory.lazyClient();
        try {
            client.inspectImageCmd(image).exec();
        } catch (NotFoundException e) {
            boolean fetched =
                    client.pullImageCmd(image).start().awaitCompletion(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            if (!fetched) {
                throw new IllegalStateException("it was not fetched within " + PATIENCE.toSeconds() + " s", e);
            }
        }
    }

    /** Stopped at the end of the JVM: it serves all tests. */
    @SuppressWarnings("resource")
    private static Address run(String image) {
        PostgreSQLContainer container = new PostgreSQLContainer(
                        DockerImageName.parse(image).asCompatibleSubstituteFor("postgres"))
                .withUsername("postgres")
                .withDatabaseName("postgres")
                .withEnv("POSTGRES_HOST_AUTH_METHOD", "trust")
                .withCommand("postgres", "-c", "max_connections=300", "-c", "fsync=off");
        container.setWaitStrategy(new AnswersQueries(container));
        container.start();
        Runtime.getRuntime().addShutdownHook(new Thread(container::stop, "stop the tests' PostgreSQL"));
        LOG.infof("The tests use the PostgreSQL of the image %s", image);
        return new Address(container.getHost(), container.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT));
    }

    /** A published port is open before anything listens behind it; only an answer is an answer. */
    private static final class AnswersQueries extends AbstractWaitStrategy {

        private final PostgreSQLContainer container;

        AnswersQueries(PostgreSQLContainer container) {
            this.container = container;
        }

        @Override
        protected void waitUntilReady() {
            String url = "jdbc:postgresql://" + container.getHost() + ":"
                    + container.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT) + "/postgres?user=postgres";
            try {
                Awaitility.await(url).atMost(PATIENCE).until(() -> answers(url));
            } catch (ConditionTimeoutException e) {
                throw new ContainerLaunchException("it did not answer within " + PATIENCE.toSeconds() + " s", e);
            }
        }

        private static boolean answers(String url) {
            try (Connection connection = DriverManager.getConnection(url)) {
                return connection.isValid(5);
            } catch (SQLException e) {
                return false;
            }
        }
    }
}
