package dev.perdure.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.WorkerProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

/** The packaged worker on a port that another program has. */
class PortTakenIT {

    @Test
    void it_says_how_to_move_the_port_and_never_that_it_is_ready() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                WorkerProcess worker = WorkerProcess.start(
                        PostgresServer.get().newDatabase().url(), "quarkus.http.port=" + other.getLocalPort())) {
            assertThat(worker.awaitEnd()).isEqualTo(78);
            assertThat(worker.log())
                    .contains("Port " + other.getLocalPort() + " of 127.0.0.1 is taken by another program")
                    .contains("QUARKUS_HTTP_PORT=8081")
                    .doesNotContain("is ready");
        }
    }
}
