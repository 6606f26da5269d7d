package dev.perdure.cli;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.setup.SetupException;
import dev.perdure.setup.Uninstall;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code perdure uninstall}: takes Perdure away, or prints the statements that do. */
@RegisterForReflection
@Command(
        name = "uninstall",
        description = {
            "Drops the schema df of a database, with all workflows, and on request the roles of Perdure.",
            "Without --admin it prints the statements instead. Refuses while instances run or somebody's objects depend on df."
        },
        mixinStandardHelpOptions = true)
final class UninstallCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private Administrator administrator;

    @Option(names = "--url", paramLabel = "URL", description = "The worker's URL. Default: PERDURE_DATABASE_URL.")
    private @Nullable String url;

    @Option(
            names = "--database",
            paramLabel = "NAME",
            description = "The one of several databases that has this name: perdure.databases.NAME.url.")
    private @Nullable String database;

    @Option(names = "--roles", description = "Drop the owner and the group of submitters too. Submitters stay.")
    private boolean roles;

    @Option(names = "--group", paramLabel = "ROLE", description = "The group of all submitters. Default: df_users.")
    private String group = "df_users";

    @Option(names = "--even-if-running", description = "Also while instances have not ended, or a worker leads.")
    private boolean evenIfRunning;

    @Option(names = "--even-if-used", description = "Drop the objects of others that depend on df too.")
    private boolean evenIfUsed;

    UninstallCommand() {}

    @Override
    public Integer call() throws SQLException, IOException, SetupException {
        DatabaseUrl worker = new WorkerSettings(database).url(url);
        PrintWriter out = spec.commandLine().getOut();
        Uninstall uninstall = new Uninstall(worker.database(), worker.user(), group, out::println);
        Optional<DatabaseUrl> admin = administrator.url(new Secrets());
        if (admin.isEmpty()) {
            out.println("-- As an administrator, in the database " + worker.database() + ":");
            uninstall.statements().forEach(out::println);
            return 0;
        }
        uninstall.dropSchema(admin.get(), evenIfRunning, evenIfUsed);
        if (roles) {
            uninstall.dropRoles(admin.get());
        }
        return 0;
    }
}
