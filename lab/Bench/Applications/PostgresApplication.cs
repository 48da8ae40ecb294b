using System.Globalization;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Applications;

/// <summary>PostgreSQL with pgbench's select by key, a database of its own in a temporary folder, as the unprivileged user that PostgreSQL insists on.</summary>
internal sealed class PostgresApplication : IApplication
{
    private const string User = "postgres";
    private const string LogPrefix = "transactions";

    public IReadOnlyList<(string Program, string Package)> Programs { get; } = [("pgbench", "postgresql"), (Binary("postgres"), "postgresql"), (Binary("initdb"), "postgresql")];

    public int Port => 5432;

    public async Task<LabProcess> StartAsync(ApplicationPlace place, CancellationToken cancellationToken)
    {
        var data = Path.Combine(place.Folder, "data");
        Directory.CreateDirectory(data);
        (await Tool.RunAsync("chown", ["-R", User, place.Folder], null, cancellationToken)).EnsureSuccess();
        string[] make = [.. AsUser, Binary("initdb"), "-D", data, "-U", User, "-A", "trust", "--locale=C", "--no-sync"];
        (await Tool.RunAsync(make[0], make[1..], null, cancellationToken)).EnsureSuccess();
        await File.AppendAllTextAsync(Path.Combine(data, "pg_hba.conf"), "host all all 0.0.0.0/0 trust\n", cancellationToken);
        string[] settings =
            [$"listen_addresses={place.Address}", Text("port=", Port), "unix_socket_directories=", "fsync=off", "autovacuum=off", "shared_buffers=32MB"];
        return place.StartProcess([.. AsUser, Binary("postgres"), "-D", data, .. settings.SelectMany(setting => (string[])["-c", setting])]);
    }

    public async Task PrepareAsync(LabMember client, ApplicationPlace place, CancellationToken cancellationToken) =>
        (await client.RunCommandAsync("pgbench", ["-i", "-q", .. Address(place), "postgres"], cancellationToken)).EnsureSuccess();

    // One transaction in twenty is logged with its time: all of them would be a cost of their own.
    public IReadOnlyList<string> LoadCommand(Workload workload, ApplicationPlace place, int seconds) =>
    [
        "pgbench", "-S", "-n", "-M", "prepared", "-j", "1", "-c", Text("", workload.Flows), "-T", Text("", seconds),
        "-l", "--sampling-rate=0.05", $"--log-prefix={Path.Combine(place.Folder, LogPrefix)}", .. Address(place), "postgres",
    ];

    public ApplicationLoad Parse(string output, ApplicationPlace place)
    {
        var times = new LatencyHistogram();
        foreach (var log in Directory.EnumerateFiles(place.Folder, $"{LogPrefix}.*"))
        {
            // Client, transaction, time in microseconds, and more.
            foreach (var line in File.ReadLines(log))
            {
                times.Record(long.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture) * 1000);
            }

            File.Delete(log);
        }

        return new ApplicationLoad(
            (long)Patterns.Number("pgbench", output, @"number of transactions actually processed: (\d+)"),
            Patterns.Number("pgbench", output, @"^tps = ([\d.]+)"),
            times.Quantile(0.5) / 1000,
            times.Quantile(0.99) / 1000);
    }

    private static string[] AsUser => ["setpriv", $"--reuid={User}", $"--regid={User}", "--clear-groups"];

    private string[] Address(ApplicationPlace place) => ["-h", place.Address.ToString(), "-p", Text("", Port), "-U", User];

    /// <summary>Debian keeps the server's programs beside each other by version; the newest counts.</summary>
    private static string Binary(string name)
    {
        const string Versions = "/usr/lib/postgresql";
        var found = Directory.Exists(Versions)
            ? Directory.EnumerateDirectories(Versions).Select(folder => Path.Combine(folder, "bin", name)).Where(File.Exists).Order(StringComparer.Ordinal).LastOrDefault()
            : null;
        return found ?? name;
    }

    private static string Text(string before, int number) => before + number.ToString(CultureInfo.InvariantCulture);
}
