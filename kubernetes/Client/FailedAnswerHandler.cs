namespace OnCache.Kubernetes.Client;

/// <summary>
/// Reads the answer to a request that failed while the request can still be given up: the library reads it afterwards, without a limit in time
/// or size.
/// </summary>
internal sealed class FailedAnswerHandler : DelegatingHandler
{
    // A status has a few hundred bytes, or one line for each of an object's fields.
    private const long LongestBody = 1 << 20;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            try
            {
                await response.Content.LoadIntoBufferAsync(LongestBody, cancellationToken);
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }

        return response;
    }
}
