using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using k8s;
using k8s.Autorest;
using OnCache.Kubernetes.Resilience;

namespace OnCache.Kubernetes.Client;

/// <summary>Sends requests and turns every kind of failure into a <see cref="KubernetesException"/>.</summary>
internal sealed class ApiConnection : IDisposable
{
    private readonly ApiServer _server;
    private readonly RequestPolicy _policy;
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly string _serverTimeout;

    public ApiConnection(KubernetesClientConfiguration configuration, KubernetesClientSettings settings, TimeProvider time, Random random)
    {
        _time = time;
        _policy = new RequestPolicy(settings, time, random);
        _limit = settings.RequestTimeout;
        _serverTimeout = string.Create(CultureInfo.InvariantCulture, $"{(int)settings.RequestTimeout.TotalSeconds}s");
        _server = ApiServer.Create(configuration, settings);
    }

    /// <summary>Sends a request and reads the answer, repeatedly if that is allowed and helps.</summary>
    /// <param name="read">Reads the body of a success.</param>
    public async Task<T> SendAsync<T>(
        HttpMethod method,
        string path,
        QueryString query,
        Func<Stream, CancellationToken, ValueTask<T>> read,
        byte[]? body = null,
        string contentType = "application/json",
        Repeatable repeatable = Repeatable.Always,
        string? accept = null,
        CancellationToken cancellationToken = default)
    {
        var target = path + query.Add("timeout", _serverTimeout);
        try
        {
            return await _policy.RunAsync(
                repeatable,
                async token =>
                {
                    using var request = Request(method, target, accept);
                    if (body is not null)
                    {
                        request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } };
                    }

                    using var response = await SendAsync(request, token);
                    await using var content = await response.Content.ReadAsStreamAsync(token);
                    return await read(content, token);
                },
                cancellationToken);
        }
        catch (Exception exception) when (Connection.IsFailure(exception))
        {
            throw Unreachable(method, path, exception);
        }
    }

    /// <summary>
    /// Opens an answer that keeps coming; only its beginning is limited in time. Not repeated: the caller knows where to go on.
    /// </summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, QueryString query, string? accept, CancellationToken cancellationToken)
    {
        try
        {
            using var limit = new CancellationTokenSource(_limit, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            using var request = Request(HttpMethod.Get, path + query, accept);
            return await SendAsync(request, either.Token);
        }
        catch (Exception exception) when (Connection.IsFailure(exception)
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw Unreachable(HttpMethod.Get, path, exception);
        }
    }

    public void Dispose() => _server.Dispose();

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await _server.SendAsync(request, cancellationToken);
        }
        catch (HttpOperationException exception)
        {
            throw FailedResponse.Read(request.Method, request.RequestUri!, exception.Response, _time.GetUtcNow());
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string target, string? accept)
    {
        var request = new HttpRequestMessage(method, new Uri(_server.BaseUri, target))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept ?? "application/json"));
        return request;
    }

    private KubernetesException Unreachable(HttpMethod method, string path, Exception exception) =>
        new(StatusReason.Unreachable, $"{method} {_server.BaseUri}{path}: {Connection.Explain(exception)}", exception);
}
