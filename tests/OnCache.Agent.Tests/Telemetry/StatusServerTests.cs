using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Telemetry;
using OnCache.Api;
using OnCache.Kubernetes.Cli;
using OnCache.Kubernetes.Telemetry;

namespace OnCache.Agent.Tests.Telemetry;

/// <summary>A process that another test starts holds a copy of each open socket for the moment before it becomes another program.</summary>
[CollectionDefinition(nameof(WhileNoProcessStarts), DisableParallelization = true)]
public sealed class WhileNoProcessStarts;

[Collection(nameof(WhileNoProcessStarts))]
public sealed class StatusServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StatusSample _sample = new();
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    private string Socket => _folder.Path("run", "agent.sock");

    [Fact]
    public async Task The_status_arrives_as_it_was_told()
    {
        await using var server = await StartAsync();
        using var client = new AgentClient(Socket);

        var json = await client.StatusJsonAsync(_cancellation);

        json.ShouldBe(JsonSerializer.Serialize(StatusSample.Ready, AgentJson.Default.AgentStatus));
        json.ShouldContain("\"state\": \"Accelerated\"");
        json.ShouldContain("\"uptimeSeconds\": 61.5");
        json.ShouldNotContain("notReadyReason");
        _sample.Counted.ShouldBeTrue("whoever asks gets the present number of flows");
    }

    [Fact]
    public async Task A_flush_reaches_its_target()
    {
        await using var server = await StartAsync();
        using var client = new AgentClient(Socket);

        (await client.FlushAsync(FlushRequest.Of("default/n1p1"), _cancellation)).Endpoints.ShouldBe(1);
        _sample.Flushed.ShouldBe(FlushRequest.Of("default/n1p1"));
        (await client.FlushAsync(FlushRequest.Everything, _cancellation)).ShouldBe(new FlushOutcome(3, 42.4));
        _sample.Flushed.ShouldBe(FlushRequest.Everything);
    }

    [Fact]
    public async Task An_endpoint_nobody_knows_is_refused_by_name()
    {
        await using var server = await StartAsync();
        using var client = new AgentClient(Socket);

        var refusal = await Should.ThrowAsync<AgentUnreachableException>(() => client.FlushAsync(FlushRequest.Of("default/gone"), _cancellation));

        refusal.Message.ShouldBe("no endpoint is named or addressed default/gone");
    }

    [Fact]
    public async Task While_the_datapath_is_being_replaced_it_says_so()
    {
        _sample.Replaced = true;
        await using var server = await StartAsync();
        using var client = new AgentClient(Socket);

        var status = await Should.ThrowAsync<AgentUnreachableException>(() => client.StatusJsonAsync(_cancellation));
        var flush = await Should.ThrowAsync<AgentUnreachableException>(() => client.FlushAsync(FlushRequest.Everything, _cancellation));

        (status.Message, flush.Message).ShouldBe(("the datapath is being replaced; ask again", "the datapath is being replaced; ask again"));
        (await SendAsync("GET", "/status")).Code.ShouldBe(503);
    }

    [Theory]
    [InlineData("{}", "name either an endpoint or all")]
    [InlineData("{\"all\":true,\"endpoint\":\"a/b\"}", "name either an endpoint or all")]
    [InlineData("null", "name either an endpoint or all")]
    [InlineData("{\"every\":true}", "the request is not understood")]
    [InlineData("flush", "the request is not understood")]
    public async Task A_flush_that_does_not_say_what_flushes_nothing(string body, string expected)
    {
        await using var server = await StartAsync();

        var (code, text) = await SendAsync("POST", "/flush", body);

        code.ShouldBe(400);
        text.ShouldStartWith(expected);
        _sample.Flushed.ShouldBeNull();
    }

    [Theory]
    [InlineData("/healthz", true, false, 200, "ok")]
    [InlineData("/healthz", false, true, 503, "because")]
    [InlineData("/readyz", false, true, 200, "ok")]
    [InlineData("/readyz", true, false, 503, "because")]
    public async Task Liveness_and_readiness_are_different_questions(string path, bool live, bool ready, int expected, string said)
    {
        _sample.Answer = new AgentHealth(live, ready, "because");
        await using var server = await StartAsync();

        var (code, text) = await SendAsync("GET", path);

        (code, text.TrimEnd()).ShouldBe((expected, said));
    }

    [Theory]
    [InlineData("GET", "/nothing", 404)]
    [InlineData("POST", "/metrics", 405)]
    [InlineData("GET", "/flush", 405)]
    [InlineData("DELETE", "/status", 405)]
    public async Task What_is_not_offered_is_refused(string method, string path, int expected)
    {
        await using var server = await StartAsync();

        (await SendAsync(method, path)).Code.ShouldBe(expected);
    }

    [Fact]
    public async Task Only_the_owner_can_reach_the_socket()
    {
        await using var server = await StartAsync();

        File.GetUnixFileMode(_folder.Path("run")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.GetUnixFileMode(Socket).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task A_second_agent_does_not_take_the_socket_away()
    {
        await using var server = await StartAsync();

        var refusal = await Should.ThrowAsync<SocketUnavailableException>(StartAsync);

        refusal.Message.ShouldContain(Socket);
        using var client = new AgentClient(Socket);
        (await client.StatusJsonAsync(_cancellation)).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_socket_nobody_answers_on_is_replaced()
    {
        Directory.CreateDirectory(_folder.Path("run"));
        LeaveStaleSocket(Socket);
        Path.Exists(Socket).ShouldBeTrue();

        await using var server = await StartAsync();
        using var client = new AgentClient(Socket);

        (await client.StatusJsonAsync(_cancellation)).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Something_that_is_no_socket_is_left_alone()
    {
        Directory.CreateDirectory(_folder.Path("run"));
        await File.WriteAllTextAsync(Socket, "mine", _cancellation);

        var refusal = await Should.ThrowAsync<SocketUnavailableException>(StartAsync);

        refusal.Message.ShouldBe($"{Socket} is not a socket; remove it or choose another --socket");
        (await File.ReadAllTextAsync(Socket, _cancellation)).ShouldBe("mine");
    }

    [Fact]
    public async Task Stopping_removes_the_socket()
    {
        await (await StartAsync()).DisposeAsync();

        Path.Exists(Socket).ShouldBeFalse();
    }

    [Fact]
    public async Task A_port_tells_health_and_nothing_else()
    {
        var endPoint = FreeEndPoint();
        await using var server = await StatusServer.StartAsync(Socket, endPoint, _sample, _sample, () => "", _cancellation);
        using var client = new HttpClient { BaseAddress = new Uri($"http://{endPoint}") };

        (await client.GetAsync(new Uri("/healthz", UriKind.Relative), _cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync(new Uri("/readyz", UriKind.Relative), _cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync(new Uri("/status", UriKind.Relative), _cancellation)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var all = new StringContent("{\"all\":true}");
        (await client.PostAsync(new Uri("/flush", UriKind.Relative), all, _cancellation)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        _sample.Flushed.ShouldBeNull();
    }

    [Fact]
    public async Task Flushes_are_measured_by_cause()
    {
        using var exposition = new PrometheusText(CoherenceMetrics.MeterName, CoherenceMetrics.Limits);
        using var metrics = new CoherenceMetrics();
        await using var server = await StatusServer.StartAsync(Socket, null, _sample, _sample, exposition.Write, _cancellation);
        var now = DateTimeOffset.UtcNow;
        var record = new FlushRecord(now, FlushCause.IpsecChanged, "node 192.0.2.2", Endpoints: 3, Nodes: 1, TimeSpan.FromMicroseconds(30));
        metrics.Flushed(record, changedAt: null);
        metrics.Flushed(record, now - TimeSpan.FromSeconds(1));

        var (code, text) = await SendAsync("GET", "/metrics");

        code.ShouldBe(200);
        text.ShouldContain("oncache_flushes_total{cause=\"IpsecChanged\"} 2\n");
        text.ShouldContain("oncache_flushed_endpoints_total{cause=\"IpsecChanged\"} 6\n");
        text.ShouldContain("oncache_flush_latency_seconds_bucket{cause=\"IpsecChanged\",le=\"5E-05\"} 2\n");
        text.ShouldContain("oncache_flush_change_age_seconds_count{cause=\"IpsecChanged\"} 1\n");
        text.ShouldContain("oncache_flush_change_age_seconds_sum{cause=\"IpsecChanged\"} 1\n");
    }

    [Fact]
    public async Task Sweeps_are_measured_with_what_they_freed()
    {
        using var exposition = new PrometheusText(CoherenceMetrics.MeterName, CoherenceMetrics.Limits);
        using var metrics = new CoherenceMetrics();
        await using var server = await StatusServer.StartAsync(Socket, null, _sample, _sample, exposition.Write, _cancellation);
        metrics.Swept(new Sweep(Live: 7, Purged: 2), TimeSpan.FromMilliseconds(250));
        metrics.Swept(new Sweep(Live: 7, Purged: 3), TimeSpan.FromMilliseconds(250));

        var (_, text) = await SendAsync("GET", "/metrics");

        text.ShouldContain("oncache_swept_total 5\n");
        text.ShouldContain("oncache_sweep_duration_seconds_count 2\n");
        text.ShouldContain("oncache_sweep_duration_seconds_sum 0.5\n");
    }

    [Fact]
    public async Task Rules_of_the_host_and_their_pods_are_counted_by_scope()
    {
        IReadOnlyList<HostRuleCount> counts = [];
        using var exposition = new PrometheusText(HostRuleMetrics.MeterName);
        using var metrics = new HostRuleMetrics(() => counts);
        await using var server = await StatusServer.StartAsync(Socket, null, _sample, _sample, exposition.Write, _cancellation);

        (await SendAsync("GET", "/metrics")).Text.ShouldContain("oncache_host_rules{scope=\"flows\"} 0\n");
        counts = [new HostRuleCount(HostRuleScope.Flows, 2, 2), new HostRuleCount(HostRuleScope.ShortConnections, 1, 1)];
        var (_, text) = await SendAsync("GET", "/metrics");

        text.ShouldContain("oncache_host_rules{scope=\"flows\"} 2\n");
        text.ShouldContain("oncache_host_rules{scope=\"short_connections\"} 1\n");
        text.ShouldContain("oncache_host_rule_pods{scope=\"flows\"} 2\n");
        text.ShouldContain("oncache_host_rule_pods{scope=\"short_connections\"} 1\n");
    }

    [Fact]
    public async Task Connection_tracking_is_measured_where_its_fill_can_be_told()
    {
        ConntrackStatus? status = null;
        using var exposition = new PrometheusText(ConntrackMetrics.MeterName);
        using var metrics = new ConntrackMetrics(() => status);
        await using var server = await StatusServer.StartAsync(Socket, null, _sample, _sample, exposition.Write, _cancellation);

        (await SendAsync("GET", "/metrics")).Text.ShouldNotContain("oncache_conntrack_entries ");
        status = ConntrackStatus.Of(17, 1000, before: null);
        var (_, text) = await SendAsync("GET", "/metrics");

        text.ShouldContain("oncache_conntrack_entries 17\n");
        text.ShouldContain("oncache_conntrack_maximum 1000\n");
    }

    [Fact]
    public async Task Nobody_there_is_said_so()
    {
        using var client = new AgentClient(Socket);

        var refusal = await Should.ThrowAsync<AgentUnreachableException>(() => client.StatusJsonAsync(_cancellation));

        refusal.Message.ShouldBe($"no agent answers on {Socket}: is it running?");
    }

    public void Dispose() => _folder.Dispose();

    private static IPEndPoint FreeEndPoint()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    private Task<StatusServer> StartAsync() => StatusServer.StartAsync(Socket, null, _sample, _sample, () => "", _cancellation);

    private async Task<(int Code, string Text)> SendAsync(string method, string path, string? body = null)
    {
        using var http = new HttpClient(UnixSocketHttp.Handler(Socket));
        using var request = new HttpRequestMessage(new HttpMethod(method), "http://agent" + path);
        request.Content = body is null ? null : new StringContent(body);
        using var response = await http.SendAsync(request, _cancellation);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(_cancellation));
    }

    // A killed agent leaves its socket behind; here another name keeps the file when the first one goes.
    private static void LeaveStaleSocket(string path)
    {
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(path + ".bound"));
            socket.Listen();
            File.Move(path + ".bound", path);
        }
    }
}
