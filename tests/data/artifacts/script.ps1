Write-Output 'hello'
