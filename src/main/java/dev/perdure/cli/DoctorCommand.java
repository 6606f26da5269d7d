package dev.perdure.cli;

import dev.perdure.doctor.Doctor;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code perdure doctor}: looks at everything that a worker needs, and changes nothing. */
@RegisterForReflection
@Command(
        name = "doctor",
        description = {
            "Looks at the database as a worker with these settings would: server, schema, rights, logins, clock, leader, work.",
            "Prints a line for each, and what to do. The exit code is 1 when something is wrong. Nothing is changed."
        },
        mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = "--url", paramLabel = "URL", description = "The worker's URL. Default: PERDURE_DATABASE_URL.")
    private @Nullable String url;

    @Option(
            names = "--database",
            paramLabel = "NAME",
            description = "The one of several databases that has this name: perdure.databases.NAME.url.")
    private @Nullable String database;

    @Option(
            names = "--submitter",
            paramLabel = "ROLE",
            description = "Look at this role too; again for another. Those who may use df are looked at in any case.")
    private List<String> submitters = new ArrayList<>();

    DoctorCommand() {}

    @Override
    public Integer call() {
        WorkerSettings settings = new WorkerSettings(database);
        Doctor doctor = new Doctor(new Doctor.Settings(
                settings.url(url), settings.login(), settings.hasPasswords(), settings.sessions(), submitters, false));
        return Findings.print(doctor.examine(), spec.commandLine().getOut());
    }
}
