using System.Collections.Concurrent;
using k8s.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using KubernetesClientConfiguration = k8s.KubernetesClientConfiguration;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>An API server that answers from a script, for faults a real one shows too rarely.</summary>
internal sealed class FakeApiServer : IAsyncDisposable
{
    private readonly ConcurrentQueue<RequestDelegate> _script = new();
    private readonly ConcurrentQueue<RecordedRequest> _requests = new();
    private readonly WebApplication _application;

    private FakeApiServer(WebApplication application) => _application = application;

    /// <summary>What is answered when the script is at its end.</summary>
    public RequestDelegate Otherwise { get; set; } = Answer.Status(500, "InternalError", "the script has no answer");

    public IReadOnlyList<RecordedRequest> Requests => [.. _requests];

    public Uri Address => new(_application.Urls.Single());

    public static async Task<FakeApiServer> StartAsync(params RequestDelegate[] script)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        var server = new FakeApiServer(application);
        foreach (var answer in script)
        {
            server.Next(answer);
        }

        application.Run(server.HandleAsync);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public FakeApiServer Next(RequestDelegate answer)
    {
        _script.Enqueue(answer);
        return this;
    }

    /// <summary>A client without patience: its waits are milliseconds.</summary>
    public KubernetesClient Client(
        Func<KubernetesClientSettings, KubernetesClientSettings>? change = null,
        ITokenProvider? token = null,
        TimeProvider? time = null)
    {
        var settings = new KubernetesClientSettings("tests") { RetryDelay = TimeSpan.FromMilliseconds(1) };
        return new KubernetesClient(
            new KubernetesClientConfiguration { Host = Address.AbsoluteUri, TokenProvider = token },
            change?.Invoke(settings) ?? settings,
            time,
            new Random(1));
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var request = context.Request;
        _requests.Enqueue(new RecordedRequest(
            request.Method,
            request.Path.Value ?? string.Empty,
            request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.Ordinal),
            request.ContentType,
            request.Headers.Authorization.ToString(),
            await reader.ReadToEndAsync(context.RequestAborted)));
        await (_script.TryDequeue(out var answer) ? answer : Otherwise)(context);
    }
}

/// <summary>What was asked.</summary>
internal sealed record RecordedRequest(
    string Method,
    string Path,
    IReadOnlyDictionary<string, string> Query,
    string? ContentType,
    string Authorization,
    string Body);
