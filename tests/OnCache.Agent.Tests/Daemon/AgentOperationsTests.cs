using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Configuration;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Net;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>How an agent begins and how it ends.</summary>
public sealed class AgentOperationsTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task An_agent_that_ends_by_a_failure_hands_everything_over_to_the_cni_at_once()
    {
        using var node = FlannelNode.Create();
        using var file = new BpfFileSystem();
        using var folder = new TemporaryFolder();
        var capabilities = LoadedPrograms.RequireKernel();
        Assert.SkipUnless(capabilities.Tcx, "needs a kernel with tcx (6.6)");
        var pins = LoadedPrograms.Pins(file);
        var settings = new AgentSettings
        {
            PinRoot = pins.Root,
            Socket = folder.Path("agent.sock"),
            ConntrackSysctl = folder.Path(),
            HeartbeatTimeout = TimeSpan.FromSeconds(5),
        };

        var running = node.Network.Run(() => new AgentOperations().RunAsync(settings, new BrokenSource(), NullLoggerFactory.Instance, CancellationToken.None));

        (await Should.ThrowAsync<InvalidDataException>(running.WaitAsync(s_patience, TestContext.Current.CancellationToken))).Message.ShouldBe("the source broke");
        using var config = PinnedMaps.TryOpen(pins, MapNames.Config).ShouldNotBeNull();
        new BpfMap<uint, Config>(MapNames.Config, config.Value).TryGet(0, out var left).ShouldBeTrue();
        left.Epoch.ShouldNotBe(0u, "it had begun");
        left.HeartbeatDeadline.ShouldBe(0UL);
    }

    /// <summary>Its socket's place is taken, which an agent finds before it touches anything.</summary>
    [Fact]
    public async Task An_agent_does_not_begin_while_a_kind_that_it_flushes_by_is_not_listed()
    {
        _ = LoadedPrograms.RequireKernel();
        using var folder = new TemporaryFolder();
        var taken = folder.Path("agent.sock");
        await File.WriteAllTextAsync(taken, "", TestContext.Current.CancellationToken);
        var (asked, answer) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        using var certificate = Certificate();
        await using var server = await ServerAsync(certificate, async context =>
        {
            if (context.Request.Query.ContainsKey("watch"))
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }

            if (context.Request.Path.Value!.EndsWith("/networkpolicies", StringComparison.Ordinal))
            {
                asked.TrySetResult();
                await answer.Task.WaitAsync(context.RequestAborted);
            }

            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("""{"kind":"List","metadata":{"resourceVersion":"1"},"items":[]}""", context.RequestAborted);
        });
        var settings = new AgentSettings { Node = "n1", Kubeconfig = Kubeconfig(folder, server, certificate), Socket = taken, CniPolicies = [] };

        var running = new AgentOperations().RunInClusterAsync(settings, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);

        await Task.WhenAny(asked.Task, running).WaitAsync(s_patience, TestContext.Current.CancellationToken);
        // An agent that begins without it needs milliseconds; one that waits is not hurried by this.
        await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken));
        running.IsCompleted.ShouldBeFalse(running.Exception?.Message);
        answer.SetResult();
        await Should.ThrowAsync<SocketUnavailableException>(running.WaitAsync(s_patience, TestContext.Current.CancellationToken));
    }

    private static string Kubeconfig(TemporaryFolder folder, WebApplication server, X509Certificate2 certificate)
    {
        var path = folder.Path("kubeconfig");
        File.WriteAllText(path, $"""
            apiVersion: v1
            kind: Config
            current-context: test
            contexts:
              - name: test
                context:
                  cluster: test
                  user: test
            clusters:
              - name: test
                cluster:
                  server: {server.Urls.Single()}
                  certificate-authority-data: {Convert.ToBase64String(Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()))}
            users:
              - name: test
                user:
                  token: test
            """);
        return path;
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static async Task<WebApplication> ServerAsync(X509Certificate2 certificate, RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(server => server.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var application = builder.Build();
        application.Run(answer);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return application;
    }

    /// <summary>Has a configuration, and breaks when it is asked for the next.</summary>
    private sealed class BrokenSource : IConfigurationSource
    {
        public AgentConfiguration Current => NodeWithAgent.Configuration;

        public ConfigurationState State { get; } = new("test", DateTimeOffset.UnixEpoch, Error: null);

        public async IAsyncEnumerable<AgentConfiguration> ChangesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            yield return Current;
            throw new InvalidDataException("the source broke");
        }
    }
}
