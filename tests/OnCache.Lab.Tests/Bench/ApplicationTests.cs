using System.Net;
using OnCache.Lab.Bench.Applications;

namespace OnCache.Lab.Tests.Bench;

/// <summary>What the load tools print, as Debian 12's versions do.</summary>
public sealed class ApplicationTests : IDisposable
{
    private const string Wrk = """
        Running 1s test @ http://10.244.2.2:8081/file-1024
          1 threads and 8 connections
          Thread Stats   Avg      Stdev     Max   +/- Stdev
            Latency   215.03us   60.11us   1.71ms   92.92%
          Latency Distribution
             50%  210.00us
             75%  229.00us
             90%  251.00us
             99%    1.30ms
          41388 requests in 1.10s, 51.46MB read
        Requests/sec:  37627.01
        Transfer/sec:     46.78MB

        """;

    private const string Pgbench = """
        pgbench (15.18 (Debian 15.18-0+deb12u1))
        number of transactions actually processed: 33310
        number of failed transactions: 0 (0.000%)
        latency average = 0.239 ms
        initial connection time = 9.120 ms
        tps = 33412.911 (without initial connection time)

        """;

    private readonly string folder = Directory.CreateTempSubdirectory("oncache-application-").FullName;

    [Fact]
    public void The_output_of_wrk_is_read_with_its_units()
    {
        var load = new NginxApplication().Parse(Wrk, Place());

        load.ShouldBe(new ApplicationLoad(41388, 37627.01, 210, 1300));
    }

    [Theory]
    [InlineData("  Non-2xx or 3xx responses: 12\n")]
    [InlineData("  Socket errors: connect 0, read 3, write 0, timeout 0\n")]
    public void Failed_requests_are_no_measurement(string line) =>
        Should.Throw<OnCache.Lab.LabException>(() => new NginxApplication().Parse(Wrk + line, Place())).Message.ShouldBe($"wrk: {line.Trim()}");

    [Fact]
    public void The_output_of_memaslap_has_no_percentiles() =>
        new MemcachedApplication().Parse("get_misses: 0\n\nRun time: 1.0s Ops: 146780 TPS: 146738 Net_rate: 34.7M/s\n", Place())
            .ShouldBe(new ApplicationLoad(146780, 146738, null, null));

    [Fact]
    public async Task The_times_of_pgbench_come_from_its_logs_which_are_used_up()
    {
        string[] lines = ["0 1 190 0 1700000000 100", "1 1 200 0 1700000000 200", "0 2 900 0 1700000000 300"];
        await File.WriteAllLinesAsync(Path.Combine(folder, "transactions.4711"), lines, TestContext.Current.CancellationToken);

        var load = new PostgresApplication().Parse(Pgbench, Place());

        (load.Operations, load.Rate).ShouldBe((33310, 33412.911));
        load.P50Microseconds!.Value.ShouldBe(200, 4);
        load.P99Microseconds!.Value.ShouldBe(900, 15);
        Directory.EnumerateFiles(folder).ShouldBeEmpty();
    }

    [Fact]
    public void Output_that_is_not_understood_names_the_tool() =>
        Should.Throw<OnCache.Lab.LabException>(() => new PostgresApplication().Parse("nothing\nof use\n", Place())).Message.ShouldStartWith("pgbench: its output has no ");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private ApplicationPlace Place() => new(null!, IPAddress.Loopback, folder, 0);
}
