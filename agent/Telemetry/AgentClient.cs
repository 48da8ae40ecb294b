using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using OnCache.Kubernetes.Cli;

namespace OnCache.Agent.Telemetry;

/// <summary>Speaks with a running agent over its socket.</summary>
internal sealed class AgentClient : IDisposable
{
    private readonly string _path;
    private readonly HttpClient _http;

    public AgentClient(string path)
    {
        _path = path;
        _http = new HttpClient(UnixSocketHttp.Handler(path)) { BaseAddress = new Uri("http://agent/"), Timeout = TimeSpan.FromSeconds(10) };
    }

    /// <summary>The agent's status as the JSON it sent.</summary>
    /// <exception cref="AgentUnreachableException">Nobody answers, or not as asked.</exception>
    public Task<string> StatusJsonAsync(CancellationToken cancellationToken) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri("status", UriKind.Relative)), cancellationToken);

    /// <summary>Has the agent flush.</summary>
    /// <exception cref="AgentUnreachableException">Nobody answers, or it refused.</exception>
    public async Task<FlushOutcome> FlushAsync(FlushRequest request, CancellationToken cancellationToken)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, AgentJson.Default.FlushRequest));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var answer = await SendAsync(
            new HttpRequestMessage(HttpMethod.Post, new Uri("flush", UriKind.Relative)) { Content = content },
            cancellationToken);
        return JsonSerializer.Deserialize(answer, AgentJson.Default.FlushOutcome)!;
    }

    public void Dispose() => _http.Dispose();

    private async Task<string> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using (request)
        {
            try
            {
                using var response = await _http.SendAsync(request, cancellationToken);
                var body = await response.Content.ReadAsStringAsync(cancellationToken);
                return response.IsSuccessStatusCode ? body : throw new AgentUnreachableException(body.TrimEnd());
            }
            catch (HttpRequestException failure) when (failure.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
            {
                throw new AgentUnreachableException($"{_path} may not be opened: run as root", failure);
            }
            catch (HttpRequestException failure)
            {
                throw new AgentUnreachableException($"no agent answers on {_path}: is it running?", failure);
            }
            catch (TaskCanceledException failure) when (!cancellationToken.IsCancellationRequested)
            {
                throw new AgentUnreachableException($"the agent on {_path} does not answer within {_http.Timeout.TotalSeconds:0} s", failure);
            }
        }
    }
}

/// <summary>The agent could not be asked, or refused.</summary>
internal sealed class AgentUnreachableException(string message, Exception? cause = null) : Exception(message, cause);
