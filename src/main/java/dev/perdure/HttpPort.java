package dev.perdure;

import dev.perdure.config.PlainSettings;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/**
 * Address of health checks and metrics. Checked before anything is started: a worker that finds its port taken when it is half up
 * would have said that it is ready.
 */
record HttpPort(String host, int number) {

    private static final int DEFAULT = 8080;

    static HttpPort ofSettings() {
        PlainSettings settings = PlainSettings.read();
        return new HttpPort(
                settings.value("quarkus.http.host").orElse("0.0.0.0"), settings.number("quarkus.http.port", DEFAULT));
    }

    /** Whether another program has it. What else may be wrong with it is found when it is used. */
    boolean isTaken() {
        if (number == 0) {
            return false;
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName(host), number));
            return false;
        } catch (BindException e) {
            // Not: an address that this machine does not have.
            return String.valueOf(e.getMessage()).contains("in use");
        } catch (IOException e) {
            return false;
        }
    }

    String advice() {
        return "Port " + number + " of " + host
                + " is taken by another program, perhaps another worker. This worker needs a port for"
                + " its health checks and metrics: QUARKUS_HTTP_PORT=8081, for example, or -Dquarkus.http.port=8081, or"
                + " quarkus.http.port=8081 in config/application.properties. Nothing was started.";
    }
}
