package dev.perdure;

import dev.perdure.cli.SqlCommand;
import dev.perdure.config.BuildInfo;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.util.Arrays;

/** The entry of the program: the worker, or one of its commands, which start without the worker. */
@QuarkusMain
public final class PerdureMain {

    private static final String USAGE =
            """
            Usage: perdure                        run the worker
                   perdure sql [options] "…"      execute SQL statements (perdure sql --help)
                   perdure version""";

    /** Runs the worker without arguments, a command with them. */
    public static void main(String... arguments) {
        if (arguments.length == 0) {
            Quarkus.run(Worker.class);
            return;
        }
        switch (arguments[0]) {
            case "sql" ->
                System.exit(
                        new SqlCommand(System.out, System.err).run(Arrays.copyOfRange(arguments, 1, arguments.length)));
            case "version", "--version" -> System.out.println("perdure " + BuildInfo.read());
            case "help", "--help", "-h" -> System.out.println(USAGE);
            default -> {
                System.err.println("Unknown command: " + arguments[0] + System.lineSeparator() + USAGE);
                System.exit(2);
            }
        }
    }
}
