package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

class HttpPortTest {

    @Test
    void a_port_of_another_program_is_noticed_before_anything_is_started() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            HttpPort port = new HttpPort("127.0.0.1", other.getLocalPort());

            assertThat(port.isTaken()).isTrue();
            assertThat(port.advice())
                    .contains("Port " + other.getLocalPort() + " of 127.0.0.1 is taken")
                    .contains("QUARKUS_HTTP_PORT");
        }
    }

    @Test
    void a_free_port_any_port_and_an_address_of_another_machine_are_not_taken() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        assertThat(new HttpPort("127.0.0.1", free).isTaken()).isFalse();
        assertThat(new HttpPort("0.0.0.0", 0).isTaken()).isFalse();
        assertThat(new HttpPort("192.0.2.1", 8080).isTaken()).isFalse();
    }
}
