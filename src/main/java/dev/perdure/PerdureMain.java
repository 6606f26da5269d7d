package dev.perdure;

import dev.perdure.cli.Commands;
import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.io.PrintWriter;

/** The entry of the program: the worker, or one of its commands, which start without the worker. */
@QuarkusMain
public final class PerdureMain {

    /** Runs the worker without arguments, a command with them. */
    public static void main(String... arguments) {
        if (arguments.length > 0) {
            int code = Commands.run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), arguments);
            System.exit(code);
        }
        HttpPort port = HttpPort.ofSettings();
        if (LaunchMode.current() == LaunchMode.NORMAL && port.isTaken()) {
            System.err.println(port.advice());
            System.exit(Worker.EX_CONFIG);
        }
        Quarkus.run(Worker.class);
    }
}
