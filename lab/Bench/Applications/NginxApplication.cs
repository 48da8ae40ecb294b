using System.Globalization;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Applications;

/// <summary>Static files by nginx over HTTP/1.1 with kept connections, loaded by wrk.</summary>
internal sealed class NginxApplication : IApplication
{
    public IReadOnlyList<(string Program, string Package)> Programs { get; } = [("nginx", "nginx-light"), ("wrk", "wrk")];

    public int Port => 8081;

    public async Task<LabProcess> StartAsync(ApplicationPlace place, CancellationToken cancellationToken)
    {
        var files = Path.Combine(place.Folder, "files");
        Directory.CreateDirectory(files);
        foreach (var kibibytes in (int[])[1, 16])
        {
            await File.WriteAllBytesAsync(Path.Combine(files, Name(kibibytes * 1024)), new byte[kibibytes * 1024], cancellationToken);
        }

        var configuration = Path.Combine(place.Folder, "nginx.conf");
        await File.WriteAllTextAsync(
            configuration,
            $$"""
            user root;
            daemon off;
            worker_processes 1;
            pid {{place.Folder}}/nginx.pid;
            error_log stderr error;
            events { worker_connections 1024; }
            http {
              access_log off;
              sendfile on;
              tcp_nopush on;
              keepalive_requests 1000000000;
              server { listen {{place.Address}}:{{Port}}; root {{files}}; }
            }

            """,
            cancellationToken);
        return place.StartProcess("nginx", "-p", place.Folder, "-e", "stderr", "-c", configuration);
    }

    public Task PrepareAsync(LabMember client, ApplicationPlace place, CancellationToken cancellationToken) => Task.CompletedTask;

    public IReadOnlyList<string> LoadCommand(Workload workload, ApplicationPlace place, int seconds) =>
    [
        "wrk", "-t1", Text("-c", workload.Flows), Text("-d", seconds) + "s", "--latency", $"http://{place.Address}:{Port}/{Name(workload.Bytes)}",
    ];

    public ApplicationLoad Parse(string output, ApplicationPlace place)
    {
        if (Patterns.Find(output, @"(Non-2xx or 3xx responses: \d+|Socket errors: .*)") is { } failed)
        {
            throw new LabException($"wrk: {failed}");
        }

        return new ApplicationLoad(
            (long)Patterns.Number("wrk", output, @"^\s*(\d+) requests in"),
            Patterns.Number("wrk", output, @"^Requests/sec:\s+([\d.]+)"),
            Microseconds(output, 50),
            Microseconds(output, 99));
    }

    private static double Microseconds(string output, int percent)
    {
        var value = Patterns.Number("wrk", output, Text(@"^\s+", percent) + @"%\s+([\d.]+)[um]?s");
        return value * (Patterns.Find(output, Text(@"^\s+", percent) + @"%\s+[\d.]+([um]?s)") switch { "us" => 1, "ms" => 1e3, _ => 1e6 });
    }

    private static string Name(int bytes) => Text("file-", bytes);

    private static string Text(string before, int number) => before + number.ToString(CultureInfo.InvariantCulture);
}
